import { LinkError } from "../errors.ts";
import { FileArena } from "../host/arena.ts";
import { milliseconds } from "../host/clock.ts";
import { linearMemory } from "../host/linear-memory.ts";
import type { FileOpener } from "../inputs/file-opener.ts";
import type { Input } from "../inputs/input.ts";
import { LibrarySearch } from "../inputs/library-search.ts";
import { loadInputs } from "../inputs/load-inputs.ts";
import { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { SlabMemoryManager } from "../memory/slab-memory-manager.ts";
import type { ProgramEnd } from "../native/program.ts";
import { checkLibraries } from "./check-libraries.ts";
import { ExecutionSession } from "./execution-session.ts";
import { ExecutorStarts } from "./executor-starts.ts";
import { fillDylib } from "./fill-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";
import { LowMemoryError } from "./low-memory-error.ts";
import { DataOutOfReachError } from "./plan-copies.ts";
import type { LinkStats, RunRequest } from "./run-request.ts";
import { StaticTlsError } from "./static-tls-error.ts";

/** What Free Pascal calls a program's body; its `main` relies on what a `_start` of its own has set up. */
const PASCAL_MAIN = "PASCALMAIN";
const pascalSentence = `the program is Free Pascal's (it defines ${PASCAL_MAIN}), whose run-time system must be entered by a _start of its own, and slablink enters main; make a shared library of it instead`;

/**
 * Links a program and runs it: `slablink run` without its command line. Resolves when the program has ended.
 * Errors: SlablinkErrors before the program starts; nothing is left behind in either case.
 */
export async function runProgram(request: RunRequest): Promise<ProgramEnd> {
  // What only some runs need is loaded for those alone: the code of a module is executed whether it is used or not.
  if (request.mode === "in-process") (await import("./relaunch.ts")).afterRelaunch();
  const starts = new ExecutorStarts(request);
  for (;;) {
    try {
      return await linkAndRun(request, starts);
    } catch (error) {
      if (!(await starts.canHelp(error))) throw error;
    }
  }
}

async function linkAndRun(request: RunRequest, starts: ExecutorStarts): Promise<ProgramEnd> {
  const arena = new FileArena();
  const map = (path: string) => arena.map(path);
  const { trace } = request;
  const opener: FileOpener = {
    open: trace === undefined ? map : (path) => trace.measure("map file", () => map(path), { path }),
  };
  const runtime = new RuntimeLibraries({ opener });
  const steps = trace?.steps("run", "link and run");
  steps?.begin("inputs");
  const started = milliseconds();
  // The executor starts while the inputs are read.
  const opening = openSession(request, runtime, starts);
  opening.catch(() => {}); // awaited below
  let session: ExecutionSession | undefined;
  let hasRun = false;
  try {
    const inputs = await readInputs(request, opener, runtime);
    checkLibraries(inputs, request.mode === "in-process", process.env.LD_PRELOAD);
    const inputsRead = milliseconds();
    steps?.begin("wait for executor");
    session = await opening;
    steps?.begin("link");
    const before = [
      { name: "inputs", milliseconds: inputsRead - started },
      { name: "wait for executor", milliseconds: milliseconds() - inputsRead },
    ];
    const program = session.createJITDylib("main");
    const replaceable =
      request.onReplaceable && (await session.replaceableObjects(program, (bytes, name) => arena.place(bytes, name)));
    fillDylib(program, inputs, request, runtime, replaceable);
    const job = await session.link(program, [request.entry], { isProgram: true });
    const main = job.address(request.entry);
    if (main === undefined) throw new LinkError("undefined-symbol", `the entry point ${request.entry} is not defined`);
    if (job.address(PASCAL_MAIN) !== undefined) throw new LinkError("link", pascalSentence);
    for (const warning of job.warnings) request.onWarning?.(warning);
    if (replaceable !== undefined) request.onReplaceable?.(replaceable);
    request.onLinked?.({ ...statsOf(session, job, before), memory: starts.memory });
    hasRun = request.linkOnly !== true || request.endsProcess === true;
    if (request.linkOnly) return { status: 0 };
    steps?.begin("program");
    // The program's process has the threads that the program makes.
    if (request.mode === "in-process" && job.hasThreads) await (await import("../kernel/threads.ts")).endThreads();
    if (request.mode === "in-process") {
      request.onLeave?.();
      if (request.endsProcess) (await import("../native/become-program.ts")).becomeProgram(request.argv[0] ?? "");
    }
    return await run(session, job, main, request);
  } catch (error) {
    steps?.fail(error);
    if (request.mode === "in-process") {
      request.onLeave?.();
      await relaunchFor(error);
    }
    if (request.reach !== undefined && starts.needsStart(error)) throw needsLocal(error as Error);
    throw error;
  } finally {
    steps?.end();
    session ??= await opening.catch(() => undefined);
    // What a program leaves running in this process (threads, libraries that bound to it) needs its memory to the end.
    if (request.mode === "executor" || !hasRun) await session?.endSession();
    if (request.endsProcess !== true) arena.dispose();
  }
}

function needsLocal(error: Error): LinkError {
  const how =
    "an executor that slablink starts itself, without --executor-command or --connect, is started so that it has that";
  return new LinkError("link", `${error.message}; ${how}`, { cause: error });
}

/** Some things can only be had from the start of a process; nothing of the program has run yet. */
async function relaunchFor(error: unknown): Promise<void> {
  const { relaunch, relaunchForStaticTls, wasRelaunchedFor } = await import("./relaunch.ts");
  if (error instanceof DataOutOfReachError) {
    const wants = { variables: error.variables, functions: error.functions };
    if (!wasRelaunchedFor(wants)) relaunch(wants);
  } else if (error instanceof StaticTlsError) {
    relaunchForStaticTls(error);
  } else if (error instanceof LowMemoryError) {
    const wants = { lowHeap: true };
    if (!wasRelaunchedFor(wants)) relaunch(wants);
  }
}

async function openSession(
  request: RunRequest,
  runtime: RuntimeLibraries,
  starts: ExecutorStarts,
): Promise<ExecutionSession> {
  const { threads, trace } = request;
  const isRemote = request.mode === "executor";
  const target = await starts.open();
  const kind = starts.memory?.kind ?? request.memory;
  return new ExecutionSession({
    ...target,
    sharedMemory: !isRemote || kind === "shared",
    runtime,
    endsProcess: isRemote && request.endsProcess,
    threads,
    trace,
    restart: (error) => starts.openAfter(error),
  });
}

function readInputs(request: RunRequest, opener: FileOpener, runtime: RuntimeLibraries): Promise<Input[]> {
  return loadInputs(request.items, {
    search: new LibrarySearch({
      directories: request.libraryDirectories,
      systemDirectories: () => runtime.systemDirectories,
    }),
    opener,
    ...request.compile,
    follow: request.trace && ((...work) => request.trace!.follow(...work)),
  });
}

async function run(session: ExecutionSession, job: LinkedJob, main: number, request: RunRequest): Promise<ProgramEnd> {
  const { preinit, init, fini } = job.layout.arrays;
  const ranges = (...arrays: { start: number; end: number }[]) => arrays.filter(({ start, end }) => end > start);
  const running = session.epc.runProgram({
    main,
    argv: [...request.argv],
    initFunctions: job.interposition === undefined ? [] : [job.interposition.start],
    initArrays: ranges(preinit, init),
    finiArrays: ranges(fini),
    finiFunctions: job.interposition === undefined ? [] : [job.interposition.end],
    dsoHandle: job.layout.dsoHandle,
  });
  // What this process was to do when the program has ended and somebody waits for it, it does while that runs.
  if (request.mode === "executor" && request.endsProcess === true) linearMemory()?.dropPages();
  const end = await running;
  if (session.epc.crashMessage === undefined) return end;
  const { explainCrash } = await import("./explain-crash.ts");
  return { ...end, crash: explainCrash(session.epc, session) };
}

function statsOf(session: ExecutionSession, job: LinkedJob, before: LinkStats["phases"]): LinkStats {
  const { requests, bytesSent, bytesReceived } = session.epc.counters;
  const { sections, symbols } = job.tables;
  const { memoryManager } = session;
  // Without slabs, a job has what it needs.
  const own = { start: job.alloc.address, end: job.alloc.address + job.alloc.size };
  const slab = memoryManager instanceof SlabMemoryManager ? memoryManager.slabs[0]?.range : own;
  return {
    phases: [...before, ...job.phases],
    objects: job.counts.objects,
    archives: job.counts.archives,
    sections: sections.count,
    symbols: symbols.count,
    relocations: job.counts.relocations,
    bytesCopied: job.counts.bytesCopied,
    requests,
    bytesSent,
    bytesReceived,
    mappings: job.counts.mappings,
    protectionChanges: job.counts.protectionChanges,
    slab: {
      address: slab?.start ?? 0,
      size: slab === undefined ? 0 : slab.end - slab.start,
      used: job.alloc.size,
    },
    externals: job.externals.ids.length,
    libraries: job.libraries,
  };
}
