import { availableParallelism } from "node:os";
import { FileArena } from "../../src/host/arena.ts";
import {
  type ExecutionSession,
  type Input,
  type JITDylib,
  type LinkedJob,
  LlvmWrapper,
  loadInputs,
  ProcessSymbolsGenerator,
  RuntimeLibraries,
  SharedLibraryGenerator,
  SpsReader,
  SpsWriter,
  StaticArchiveGenerator,
} from "../../src/index.ts";
import type { Program } from "../case.ts";
import { type Held, heldBy } from "./held.ts";
import { openWarmSession, type WarmMode } from "./session.ts";

export { type WarmMode, warmModes } from "./session.ts";

/** One link among many of the same program; times in ms. */
export interface LinkSample {
  readonly number: number;
  readonly milliseconds: number;
  /** User and system time of this process: its garbage collection and compiling included, the executor not. */
  readonly cpu: number;
  readonly phases: LinkedJob["phases"];
  readonly removal: number;
  readonly requests: number;
  /** Of this process and of the executor, after the removal. */
  readonly held: Held;
  readonly executor: Held | undefined;
}

/** Links `program` `count` times in one session, each time into a fresh JITDylib, which is removed again. */
export async function linkRepeatedly(mode: WarmMode, program: Program, count: number): Promise<LinkSample[]> {
  const { arena, inputs, runtime } = await loadProgram(program);
  const { session, pid } = await openWarmSession(mode, runtime);
  const samples: LinkSample[] = [];
  try {
    for (let number = 1; number <= count; number++) {
      const requests = session.epc.counters.requests;
      const cpu = process.cpuUsage();
      const started = performance.now();
      const dylib = session.createJITDylib("python");
      fill(dylib, inputs, runtime);
      // In this process libraries that bound to a program keep it: it could not be removed.
      const isProgram = mode.name !== "in-process";
      const job = await session.link(dylib, ["main", "Py_IsInitialized"], { isProgram });
      const linked = performance.now();
      const { user, system } = process.cpuUsage(cpu);
      const asked = session.epc.counters.requests - requests;
      await checkIt(session, job);
      const before = performance.now();
      await session.removeJITDylib(dylib);
      samples.push({
        number,
        milliseconds: linked - started,
        cpu: (user + system) / 1000,
        phases: job.phases,
        removal: performance.now() - before,
        requests: asked,
        held: heldBy(process.pid),
        executor: pid === undefined ? undefined : heldBy(pid),
      });
    }
  } finally {
    await session.endSession();
    arena.dispose();
  }
  return samples;
}

/** Wall and processor time in ms of a number of independent links in one session. */
export interface TogetherSample {
  readonly wall: number;
  readonly cpu: number;
}

/** The samples of each round, for both ways. */
export interface TogetherReport {
  readonly program: string;
  readonly count: number;
  readonly oneByOne: readonly TogetherSample[];
  readonly atOnce: readonly TogetherSample[];
}

/** Links a program into each of `count` JITDylibs, one after the other and all at once, `rounds` times with a thread for each, as far as there are processors. */
export async function linkTogether(
  mode: WarmMode,
  name: string,
  program: Program,
  { count, rounds }: { count: number; rounds: number },
): Promise<TogetherReport> {
  const threads = Math.min(count, availableParallelism());
  const { arena, inputs, runtime } = await loadProgram(program);
  const { session } = await openWarmSession(mode, runtime, threads);
  const samples = { oneByOne: [] as TogetherSample[], atOnce: [] as TogetherSample[] };
  try {
    for (let round = 0; round < rounds; round++) {
      // In turn, so that neither is always the warmer one.
      const ways = ["oneByOne", "atOnce"] as const;
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        const dylibs = Array.from({ length: count }, (_, i) => session.createJITDylib(`${way}-${i}`));
        for (const dylib of dylibs) fill(dylib, inputs, runtime);
        const cpu = process.cpuUsage();
        const started = performance.now();
        const link = (dylib: JITDylib) => session.link(dylib, ["main"]);
        if (way === "atOnce") await Promise.all(dylibs.map(link));
        else for (const dylib of dylibs) await link(dylib);
        const wall = performance.now() - started;
        const { user, system } = process.cpuUsage(cpu);
        samples[way].push({ wall, cpu: (user + system) / 1000 });
        for (const dylib of dylibs) await session.removeJITDylib(dylib);
      }
    }
  } finally {
    await session.endSession();
    arena.dispose();
  }
  return { program: name, count, ...samples };
}

/** Opens what a program is made of. */
async function loadProgram({ inputs, libraries }: Program): Promise<{
  readonly arena: FileArena;
  readonly inputs: readonly Input[];
  readonly runtime: RuntimeLibraries;
}> {
  const arena = new FileArena();
  const opener = { open: (path: string) => arena.map(path) };
  const items = [
    ...inputs.map((path) => ({ kind: "file", path }) as const),
    ...libraries.map(({ name }) => ({ kind: "library", name }) as const),
  ];
  return { arena, inputs: await loadInputs(items, { opener }), runtime: new RuntimeLibraries({ opener }) };
}

/** As `slablink run` does. */
function fill(dylib: JITDylib, inputs: readonly Input[], runtime: RuntimeLibraries): void {
  for (const input of inputs) {
    if (input.kind === "object") dylib.addObject(input.reader);
    else if (input.kind === "archive") dylib.addGenerator(new StaticArchiveGenerator(input.archive));
    else dylib.addGenerator(new SharedLibraryGenerator(input.library, runtime.loadName(input.library)));
  }
  for (const archive of runtime.implicitArchives()) dylib.addGenerator(new StaticArchiveGenerator(archive));
  dylib.addGenerator(new ProcessSymbolsGenerator());
}

/** Fresh code and fresh data: the interpreter says that it has not been started. */
async function checkIt(session: ExecutionSession, job: LinkedJob): Promise<void> {
  const address = job.address("Py_IsInitialized")!;
  const argument = new SpsWriter(8).u64(address).bytes;
  const result = await session.epc.callWrapper(LlvmWrapper.runAsVoidFunction, argument);
  const value = new SpsReader(result, "Py_IsInitialized").i32("value");
  if (value !== 0) throw new Error(`Py_IsInitialized() gave ${value}, expected 0`);
}
