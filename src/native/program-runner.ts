import type { AddressRange } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { reopenStandardDescriptors } from "../host/descriptors.ts";
import { findSymbols, PROCESS } from "../host/dynamic-loader.ts";
import { libc } from "../host/libc.ts";
import { PAGE_SIZE, unmapMemory } from "../host/mapping.ts";
import { isDetached, joinThread, startThread } from "../host/thread.ts";
import { threadNumbers } from "../host/thread-numbers.ts";
import { readMemory, viewMemory, writePointer } from "../host/view.ts";
import { layOutArguments } from "./argument-block.ts";
import { mapCode, mapPages } from "./native-pages.ts";
import type { Program, ProgramEnd } from "./program.ts";
import { ProgramBlock, ProgramEntry, ProgramState, programShim } from "./program-shim.ts";
import { BLOCK_SIGNALS_HANDLER, routeSignalsToProgram } from "./signal-routing.ts";

/** What the block holds of this process. */
const FUNCTIONS = {
  cxaFinalize: "__cxa_finalize",
  fflush: "fflush",
  callTlsDestructors: "__call_tls_dtors",
  exit: "exit",
  semPost: "sem_post",
  semWait: "sem_wait",
  setSpecific: "pthread_setspecific",
  malloc: "malloc",
  cxaAtexit: "__cxa_atexit",
  environ: "environ",
} as const;

const FIELDS = [
  "cxaFinalize",
  "fflush",
  "callTlsDestructors",
  "exit",
  "semPost",
  "semWait",
  "setSpecific",
  "malloc",
  "cxaAtexit",
] as const;

/** In place of the fs base of main's thread, when that has ended before the program. */
const NO_THREAD = 1;

/**
 * Runs a program's main in this process on a thread of its own, whose stack is as large as a main thread's would be.
 * After main, or when the program calls exit(), its destructors and handlers run on that thread: thread-local ones,
 * those of __cxa_atexit, then the fini arrays; streams are flushed. One program at a time.
 *
 * Its two pages stay mapped until the process ends, as the C library keeps a reference to them (on_exit).
 */
export class ProgramRunner {
  readonly #code: number;
  readonly #block: number;
  readonly #view: DataView;
  readonly #environ: number;
  #arguments: AddressRange | undefined;
  #running = false;
  #signalHandler: number | undefined;

  constructor() {
    const names = Object.values(FUNCTIONS);
    const addresses = findSymbols(PROCESS, names);
    const address = (name: string): number => addresses[names.indexOf(name as (typeof names)[number])];
    this.#block = mapPages(PAGE_SIZE);
    this.#view = new DataView(viewMemory(this.#block, PAGE_SIZE));
    this.#environ = address(FUNCTIONS.environ);
    for (const field of FIELDS) {
      const found = address(FUNCTIONS[field]);
      // __call_tls_dtors is private to glibc; without it these destructors run as the thread ends, after the others.
      if (found === 0 && field !== "callTlsDestructors") {
        throw new SlablinkError("undefined-symbol", `this process has no ${FUNCTIONS[field]}`);
      }
      this.#set(ProgramBlock[field], found);
    }
    this.#code = mapCode(programShim(this.#block));
    this.#set(ProgramBlock.nodeThread, libc.pthread_self());
    const key = new Uint8Array(4);
    const failed =
      libc.sem_init(this.#block + ProgramBlock.semaphore, 0, 0) !== 0 ||
      libc.sem_init(this.#block + ProgramBlock.mayEnd, 0, 0) !== 0 ||
      libc.pthread_key_create(key, this.#code + ProgramEntry.gone) !== 0 ||
      libc.on_exit(this.#code + ProgramEntry.onExit, this.#block) !== 0;
    if (failed) throw new SlablinkError("memory", "cannot set up the frame of a program: out of memory or keys");
    this.#set(ProgramBlock.key, new DataView(key.buffer).getUint32(0, true));
  }

  /** The address that linked code must get for `exit`. Without a program running it is the C library's exit(). */
  get exitAddress(): number {
    return this.#code + ProgramEntry.exit;
  }

  /** The address that linked code must get for `on_exit`: the handler runs among the program's others. */
  get onExitAddress(): number {
    return this.#code + ProgramEntry.register;
  }

  /**
   * Runs the program; resolves with its status (low byte) once its handlers have run. Threads of the program may still
   * be alive then: its memory must stay until the process ends, unless the caller knows that there are none.
   */
  async run(program: Program): Promise<ProgramEnd> {
    if (this.#running) throw new SlablinkError("usage", "a program is already running in this process");
    this.#running = true;
    this.#prepare(program);
    this.#signalHandler ??= mapCode(Uint8Array.from(BLOCK_SIGNALS_HANDLER));
    const routeBack = routeSignalsToProgram(this.#signalHandler);
    try {
      return await this.#runToEnd();
    } finally {
      routeBack();
      reopenStandardDescriptors();
    }
  }

  async #runToEnd(): Promise<ProgramEnd> {
    const others = await this.#runThread();
    if (this.#state === ProgramState.unfinished) {
      // pthread_exit() in main: after the last thread's end, exit(0). argc is main's, and so exit's, first argument.
      this.#set(ProgramBlock.thread, NO_THREAD);
      while (this.#state === ProgramState.unfinished && threadNumbers().some((each) => !others.has(each)))
        await pause(2);
      if (this.#state !== ProgramState.unfinished) return this.#end(); // one of them has called exit()
      this.#set(ProgramBlock.main, this.exitAddress);
      this.#set(ProgramBlock.argc, 0);
      await this.#runThread();
    }
    return this.#end();
  }

  get #state(): number {
    return this.#view.getInt32(ProgramBlock.state, true);
  }

  #end(): ProgramEnd {
    return { status: this.#view.getInt32(ProgramBlock.status, true) & 0xff };
  }

  /**
   * Gives the threads that are not the program's. After exit() on another of the program's threads the first one never ends:
   * no other program can run then.
   */
  async #runThread(): Promise<Set<string>> {
    // Not pthread_join: Node waits for libuv's threads when it ends, and the program's first thread may never.
    // Begun before the program, so that the threads that Node starts for it are older: a program's malloc is not for them.
    const ended = waitSemaphore(this.#block + ProgramBlock.semaphore);
    const others = new Set(threadNumbers());
    let thread: number;
    try {
      thread = startThread(this.#code + ProgramEntry.start, this.#block);
    } catch (error) {
      libc.sem_post(this.#block + ProgramBlock.semaphore);
      throw error;
    }
    await ended;
    if (this.#state === ProgramState.exitedElsewhere) return others;
    // After pthread_exit() in main another thread of the program may join it, and nobody may twice. A program may also detach
    // it (D's runtime does); that can be asked only while it lives, since its pthread_t may be that of a thread of Node's later.
    const joinable = this.#state === ProgramState.returned && !isDetached(thread);
    libc.sem_post(this.#block + ProgramBlock.mayEnd);
    if (joinable) joinThread(thread);
    this.#set(ProgramBlock.thread, 0);
    this.#running = false;
    return others;
  }

  #prepare(program: Program): void {
    const floats = this.#code + ProgramEntry.floats;
    const init = [floats, ...program.initFunctions, ...program.initArrays.flatMap(readFunctions)];
    const fini = [
      ...program.finiArrays.toReversed().flatMap((range) => readFunctions(range).reverse()),
      ...program.finiFunctions,
    ];
    const block = layOutArguments(program.argv, this.#environ, init, fini);
    writePointer(this.#environ, block.environment);
    if (this.#arguments) unmapMemory(this.#arguments.start, this.#arguments.end - this.#arguments.start);
    this.#arguments = block;
    this.#set(ProgramBlock.main, program.main);
    this.#set(ProgramBlock.argc, program.argv.length);
    this.#set(ProgramBlock.argv, block.start);
    this.#set(ProgramBlock.envp, block.environment);
    this.#set(ProgramBlock.initList, block.init);
    this.#set(ProgramBlock.finiList, block.fini);
    this.#set(ProgramBlock.dsoHandle, program.dsoHandle);
    this.#set(ProgramBlock.status, 0);
    this.#set(ProgramBlock.state, ProgramState.unfinished);
    this.#set(ProgramBlock.processId, process.pid);
  }

  #set(offset: number, value: number): void {
    this.#view.setBigUint64(offset, BigInt(value), true);
  }
}

/** The function addresses in a target range: 0 and -1 are terminators of old start files and are not called. */
function readFunctions(range: AddressRange): number[] {
  const words = new BigInt64Array(readMemory(range.start, range.end - range.start).buffer);
  return [...words].map(Number).filter((address) => address > 0);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function waitSemaphore(address: number): Promise<void> {
  return new Promise((resolve) => libc.sem_wait.async(address, () => resolve()));
}

let runner: ProgramRunner | undefined;

/** The runner of this process; made when first asked for, which should be before libraries are opened. */
export function programRunner(): ProgramRunner {
  runner ??= new ProgramRunner();
  return runner;
}
