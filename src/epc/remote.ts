import type { Duplex } from "node:stream";
import { hex } from "../bytes/address.ts";
import { ExecutorError } from "../errors.ts";
import type { ByteChannel } from "../host/byte-channel.ts";
import type { ExecutorProcess } from "../host/process.ts";
import type { Program, ProgramEnd } from "../native/program.ts";
import {
  checkError,
  decodeImageLoad,
  decodeResolve,
  encodeImageLoad,
  encodeOpen,
  encodeProgram,
  encodeResolve,
  expectValue,
} from "./calls.ts";
import { type DispatchHandler, EpcConnection, HangupError } from "./connection.ts";
import { Llvm, Slablink } from "./dialect.ts";
import type { ExecutorProcessControl, ImageLoad, LoadedImage, ProtocolCounters } from "./executor-process-control.ts";
import { runMainByWrappers } from "./llvm-program.ts";
import { ProcessNames } from "./process-names.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { RequestObserver } from "./request-observer.ts";
import type { Services } from "./services.ts";
import { decodeSetup, type Setup } from "./setup.ts";
import { SpsWriter } from "./sps-writer.ts";

/** How long an executor may take to say Setup, and to end once it is asked to, in ms. */
const SETUP_LIMIT = 10_000;
const END_LIMIT = 2_000;

/** What is known about the executor at the other end of a stream; `setupLimit` in ms, 10 s by default. */
export interface RemoteOptions {
  /** The process at the other end, if it is ours: its end is reported, and disconnect waits for it. */
  readonly process?: ExecutorProcess;
  /** How long to wait for its Setup, in ms. */
  readonly setupLimit?: number;
  /** For an executor that is not slablink's: a library that makes it one. Without, it has LLVM 22's services only. */
  readonly services?: Services;
  /** Is told of every request, for a trace (`Tracer.observeExecutor`). */
  readonly observer?: RequestObserver;
}

/** Controller of an executor in another process, ours or LLVM's, over a byte stream. */
export class RemoteExecutorProcessControl implements ExecutorProcessControl {
  readonly kind = "remote";
  readonly pageSize: number;
  readonly triple: string;
  readonly bootstrap: ReadonlyMap<string, number>;
  readonly ended: Promise<ProgramEnd>;
  /** What the executor said in its last message (Hangup), for example about a crash. */
  lastWords: string | undefined;
  /** The last message of an executor that crashed (`decodeCrash`). */
  crashMessage: Uint8Array | undefined;
  /** Process id, when the executor is our child. */
  readonly pid: number | undefined;
  readonly loadedLibraries: ReadonlySet<string> | undefined;

  readonly #connection: EpcConnection;
  readonly #process: ExecutorProcess | undefined;
  readonly #names = new ProcessNames();
  #processHandle: Promise<number> | undefined;
  #runsProgram = false;

  private constructor(
    connection: EpcConnection,
    setup: Setup,
    process: ExecutorProcess | undefined,
    loaded: ReadonlySet<string> | undefined,
  ) {
    this.loadedLibraries = loaded;
    this.#connection = connection;
    this.#process = process;
    this.pid = process?.pid;
    this.triple = setup.triple;
    this.pageSize = setup.pageSize;
    this.bootstrap = setup.symbols;
    void connection.closed.then((cause) => {
      if (cause instanceof HangupError) this.lastWords = cause.message;
    });
    const crash = setup.symbols.get(Slablink.crash);
    if (crash !== undefined) {
      connection.onMessage(crash, (payload) => {
        this.crashMessage = payload;
      });
    }
    this.ended = process ? process.ended : connection.closed.then(() => ({}));
  }

  /** Waits for the executor's Setup on `stream`. Errors: ExecutorError, ProtocolError; the process is ended then. */
  static async connect(
    stream: Duplex | ByteChannel,
    options: RemoteOptions = {},
  ): Promise<RemoteExecutorProcessControl> {
    const { process, setupLimit = SETUP_LIMIT, observer, services } = options;
    const connection = new EpcConnection(stream);
    connection.observer = observer;
    if (process?.pid !== undefined) observer?.started(process.pid);
    let epc: RemoteExecutorProcessControl | undefined;
    const runsProgram = (): boolean => (epc ? epc.#runsProgram : false);
    if (process) {
      connection.explainEnd = (cause) =>
        connection.isBroken ? breakOff(cause, process) : explainProcessEnd(cause, process, runsProgram());
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const error = (): Error => new ExecutorError(`the executor sent no Setup message within ${setupLimit} ms`);
        timer = setTimeout(() => reject(error()), setupLimit);
      });
      let loaded: ReadonlySet<string> | undefined;
      let setup = decodeSetup(await Promise.race([connection.setup, late]));
      if (services !== undefined && !setup.symbols.has(Slablink.slabReserve)) {
        const { startServices } = await import("./services.ts");
        const { symbols, libraries } = await startServices(connection, setup, services);
        setup = { ...setup, symbols };
        loaded = new Set(libraries.map((path) => path.slice(path.lastIndexOf("/") + 1)));
      }
      observer?.connected(setup.symbols);
      epc = new RemoteExecutorProcessControl(connection, setup, process, loaded);
      return epc;
    } catch (error) {
      connection.close();
      process?.kill("SIGKILL");
      await process?.ended.catch(() => {});
      throw error;
    } finally {
      // Not cleared: the first time that takes 0.3 ms. What it rejects has been settled by now.
      timer?.unref();
    }
  }

  get counters(): ProtocolCounters {
    return this.#connection.counters;
  }

  get isLocal(): boolean {
    return this.pid !== undefined;
  }

  /** True for slablink's own executor, and for one that has its services. */
  get isSlablink(): boolean {
    return this.bootstrap.has(Slablink.slabReserve);
  }

  /** The address of a bootstrap symbol. Errors: ExecutorError naming it when the executor has none. */
  bootstrapAddress(name: string): number {
    const address = this.bootstrap.get(name);
    if (address === undefined) throw new ExecutorError(`the executor has no ${name}`);
    return address;
  }

  async openLibrary(path: string): Promise<number> {
    if (path === "") return 0;
    return this.#names.during(
      {},
      () => this.#open(path),
      (handle) => handle,
    );
  }

  async resolve(handle: number, names: readonly string[]): Promise<Float64Array> {
    if (names.length === 0) return new Float64Array(0);
    if (handle !== 0) return this.#resolve(handle, names);
    // Ours takes 0 for the process; LLVM's executors give a handle for it.
    if (!this.isSlablink) this.#processHandle ??= this.#open("");
    const process = (await this.#processHandle) ?? 0;
    return this.#names.resolve(names, (wanted) => this.#resolve(process, wanted));
  }

  async callWrapper(name: string, argument: Uint8Array): Promise<Uint8Array> {
    return this.#connection.call(this.bootstrapAddress(name), argument);
  }

  /** Sends a signal to the executor process; nothing happens when it has ended or was not started by us. */
  kill(signal: NodeJS.Signals, group = false): void {
    this.#process?.kill(signal, group);
  }

  /** Calls a wrapper function at an address, for example one that linked code defines. */
  callAddress(address: number, argument: Uint8Array): Promise<Uint8Array> {
    return this.#connection.call(address, argument);
  }

  /** As `callAddress`, but blocks the event loop (`EpcConnection.callNow`). Errors: ExecutorError that says how the executor ended. */
  callAddressNow(address: number, argument: Uint8Array, onQuiet: () => void): Uint8Array {
    const result = this.#connection.callNow(address, argument, onQuiet);
    if (result === undefined) throw this.endNow() ?? new ExecutorError("the executor closed its connection");
    return result;
  }

  /** Whether an answer can be waited for without the event loop. */
  get canBlock(): boolean {
    return this.#connection.canBlock;
  }

  /** Resolves with the error that pending requests get, when the executor is gone. */
  get failed(): Promise<Error> {
    return this.#connection.failed;
  }

  /**
   * The error that says how the executor ended, if it has, without the event loop; what it sent before is read. An executor that is no child
   * of ours has ended when its connection has.
   */
  endNow(): ExecutorError | undefined {
    const process = this.#process;
    // Also while it lives: its last message may be longer than what is sent before somebody reads.
    while (!this.#connection.isEnded && this.#connection.receiveNow(0));
    let end = process?.endNow?.();
    if (process !== undefined && end === undefined && !this.#connection.isEnded) return undefined;
    while (!this.#connection.isEnded && this.#connection.receiveNow(0));
    if (process?.endNow !== undefined && end === undefined) end = waitForEnd(process.endNow);
    if (end !== undefined) return new ExecutorError(`the executor ${howItEnded(end)}`, { end });
    return this.#connection.isEnded ? new ExecutorError("the executor closed its connection") : undefined;
  }

  /** So many pending requests do not keep this process alive; those beyond do. */
  releasePending(count: number): void {
    this.#connection.releasePending(count);
  }

  /** Whether this process stays alive for the executor's sake while no request is pending; by default it does. */
  keepAlive(always: boolean): void {
    this.#connection.keepAlive(always);
    this.#process?.keepAlive?.(always);
  }

  /** Binds a tag address in linked code to a handler of calls from the executor. */
  handleDispatch(tag: number, handler: DispatchHandler): void {
    this.#connection.handle(tag, handler);
  }

  async loadImage(image: ImageLoad): Promise<LoadedImage> {
    const load = async (): Promise<LoadedImage> =>
      decodeImageLoad(await this.callWrapper(Slablink.imageLoad, encodeImageLoad(image)));
    return this.#names.during(image, load, ({ handle }) => handle);
  }

  async unloadImage(handle: number): Promise<void> {
    const result = await this.callWrapper(Slablink.imageUnload, new SpsWriter(8).u64(handle).bytes);
    checkError(result, `unloading image ${hex(handle)}`);
    this.#names.unload(handle);
  }

  async runProgram(program: Program): Promise<ProgramEnd> {
    if (!this.isSlablink) return runMainByWrappers(this, program);
    this.#names.noteProgram();
    this.#runsProgram = true;
    const call = this.callWrapper(Slablink.programRun, encodeProgram(program, true));
    let result: Uint8Array;
    try {
      result = await call;
    } catch (error) {
      // The process's end is the answer, and takes the call with it.
      const isOver = !this.#connection.isBroken && !((await this.#connection.closed) instanceof HangupError);
      const process = this.#process;
      if (process === undefined || !isOver || !(await isGone(process))) throw error;
      return this.ended;
    } finally {
      this.#runsProgram = false;
    }
    return { status: expectValue(result, "running the program", (reader) => reader.i64("status")) };
  }

  async disconnect(): Promise<void> {
    const process = this.#process;
    const busy = this.#connection.outstanding > 0;
    this.keepAlive(true);
    await this.#takeTrace();
    this.#connection.close();
    if (!process || process.isGone()) return;
    if (busy) process.kill("SIGKILL");
    if (!(await isGone(process))) process.kill("SIGKILL");
    await process.ended;
  }

  /** What the executor has recorded would go with it. */
  async #takeTrace(): Promise<void> {
    const { observer } = this.#connection;
    if (observer === undefined || !this.bootstrap.has(Slablink.traceTake)) return;
    const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), END_LIMIT).unref());
    // It may have gone before: then what it has handed over by itself is all there is.
    const batch = await Promise.race([
      this.callWrapper(Slablink.traceTake, new Uint8Array(0)).catch(() => undefined),
      late,
    ]);
    if (batch !== undefined) observer.batch(batch);
  }

  async #resolve(handle: number, names: readonly string[]): Promise<Float64Array> {
    const result = await this.callWrapper(Llvm.dylibResolve, encodeResolve(handle, names));
    return decodeResolve(result, names.length);
  }

  async #open(path: string): Promise<number> {
    const argument = encodeOpen(this.bootstrapAddress(Llvm.dylibInstance), path);
    const result = await this.callWrapper(Llvm.dylibOpen, argument);
    return expectValue(result, path === "" ? "opening the process itself" : path, (reader) => reader.u64("handle"));
  }
}

/** How a process ended whose connection has, which comes first; undefined if it lives on. Blocks. */
function waitForEnd(endNow: () => ProgramEnd | undefined): ProgramEnd | undefined {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < END_LIMIT; waited++) {
    const end = endNow();
    if (end !== undefined) return end;
    Atomics.wait(never, 0, 0, 1);
  }
  return undefined;
}

/** Whether a process that closed its connection also ended, soon. */
async function isGone(process: ExecutorProcess): Promise<boolean> {
  if (process.isGone()) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), END_LIMIT);
  });
  const gone = await Promise.race([process.ended.then(() => true), late]);
  clearTimeout(timer);
  return gone;
}

/** The executor has sent what it may not: nothing that it may still say can be relied on, so it gets no time to end. */
function breakOff(cause: Error | undefined, process: ExecutorProcess): Error {
  process.kill("SIGKILL");
  return new ProtocolError(`the executor broke the protocol: ${cause?.message}`, { cause });
}

async function explainProcessEnd(
  cause: Error | undefined,
  process: ExecutorProcess,
  runsProgram: boolean,
): Promise<Error> {
  const detail = cause ? `: ${cause.message}` : "";
  // A program may have executed another one, whose end is then the program's.
  const isProgram = runsProgram && !(cause instanceof HangupError);
  if (!isProgram && !(await isGone(process))) {
    process.kill("SIGKILL");
    return new ExecutorError(`the executor closed its connection${detail}`, { cause });
  }
  const end = await process.ended;
  return new ExecutorError(`the executor ${howItEnded(end)}${detail}`, { cause, end });
}

function howItEnded({ signal, status }: ProgramEnd): string {
  return signal ? `was killed by ${signal}` : `ended with exit status ${status}`;
}
