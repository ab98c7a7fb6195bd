import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import type { Layout } from "../link/layout.ts";
import type { ExecutorMemory } from "../runtime-memory/executor-memory.ts";
import { type CallLayout, callLayout } from "../signature/call-layout.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";

/** Calls a function of linked code and waits for its end. */
export type RunFunction = (target: number, layout: CallLayout, values: readonly unknown[]) => Promise<unknown>;

/** How calls are made, and whose end it is when the executor ends. */
export interface LastCallHost {
  /** Makes a call. */
  readonly run: RunFunction;
  /** Why nothing can be called any more. */
  readonly failure: Error | undefined;
  /** Asynchronous calls that have not been answered. */
  readonly outstanding: number;
}

/** Calls of what is left to be run at a module's end: has one of them ended the executor, or has something else? */
export class LastCalls {
  readonly #host: LastCallHost;
  #isRunning = false;
  /** Nothing else was running when the one that runs began. */
  #isAlone = false;

  constructor(host: LastCallHost) {
    this.#host = host;
  }

  /** After a call has failed: it did so by itself. Where others were under way, as they may have been to blame, the answer is no. */
  get haveEnded(): boolean {
    return this.#isRunning && (this.#isAlone || this.#host.failure === undefined);
  }

  /** Makes a call. */
  readonly run: RunFunction = async (target, layout, values) => {
    const { failure, outstanding } = this.#host;
    this.#isAlone = failure === undefined && outstanding === 0;
    this.#isRunning = true;
    const value = await this.#host.run(target, layout, values);
    this.#isRunning = false;
    return value;
  };
}

const INITIALIZER = callLayout(resolveSignature("void f(int argc, void *argv, void *envp)"));
const FINALIZER = callLayout(resolveSignature("void f(void)"));
const FLUSH = callLayout(resolveSignature("int fflush(void *)"));
const CXA_FINALIZE = callLayout(resolveSignature("void __cxa_finalize(void *)"));

/**
 * Runs a module's constructors in the order that an executable's have (gABI 5, "Initialization and Termination Functions"). They get no
 * arguments (argc 0) and the process's environment.
 */
export async function runInitializers(
  { arrays: { preinit, init } }: Layout,
  memory: ExecutorMemory,
  epc: ExecutorProcessControl,
  run: RunFunction,
): Promise<void> {
  const functions = [...(await wordsOf(memory, preinit)), ...(await wordsOf(memory, init))];
  if (functions.length === 0) return;
  const [environ = 0] = await epc.resolve(0, ["environ"]);
  const environment = environ === 0 ? 0 : wordAt(await memory.readAsync(environ, 8), 0);
  for (const address of functions) await run(address, INITIALIZER, [0, 0, environment]);
}

/** Runs what a module has registered by atexit() and the like, and its destructors, the last constructor's first. */
export async function runFinalizers(
  { arrays: { fini }, dsoHandle }: Layout,
  memory: ExecutorMemory,
  epc: ExecutorProcessControl,
  run: RunFunction,
): Promise<void> {
  const [finalize = 0] = await epc.resolve(0, ["__cxa_finalize"]);
  if (finalize !== 0) await run(finalize, CXA_FINALIZE, [dsoHandle]);
  for (const address of (await wordsOf(memory, fini)).reverse()) await run(address, FINALIZER, []);
}

/**
 * Writes what the C library has buffered for standard output, as exit() would: an executor is ended without one. Not all streams, since a
 * thread that waits for standard input holds that one's lock.
 */
export async function flushOutput(
  memory: ExecutorMemory,
  epc: ExecutorProcessControl,
  run: RunFunction,
): Promise<void> {
  const [flush = 0, variable = 0] = await epc.resolve(0, ["fflush", "stdout"]);
  if (flush === 0 || variable === 0) return;
  const stream = wordAt(await memory.readAsync(variable, 8), 0);
  if (stream !== 0) await run(flush, FLUSH, [stream]);
}

/** The functions of an array; 0 and -1 are none, as a C run-time's start files have it. */
async function wordsOf(memory: ExecutorMemory, { start, end }: { start: number; end: number }): Promise<number[]> {
  if (end <= start) return [];
  const bytes = await memory.readAsync(start, end - start);
  const words: number[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) words.push(wordAt(bytes, at));
  return words.filter((word) => word !== 0 && word !== -1);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at, true));
}
