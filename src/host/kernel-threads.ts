import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { LinearMemory } from "./linear-memory.ts";
import type { WasmModule } from "./webassembly.ts";

/** A thread's control record, in words: what it is to do, and how far it is. The first two only ever grow. */
const Control = { posted: 0, done: 1, isOnline: 2, task: 3, argumentCount: 4, isAwaited: 5 } as const;
/** Words of the record; the numbers for the task's arguments, its result first, follow at this byte. */
const NUMBERS = 64;
const MOST_ARGUMENTS = 12;
const RECORD_SIZE = 4096;
/** A task of this number ends the thread. */
const END = -1;

/** What a thread runs: no module of slablink's, so that it is there soon. It sleeps in Atomics.wait, which takes no processor time. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { module, memory, control } = workerData;
const words = new Int32Array(memory.buffer, control, 16);
const numbers = new Float64Array(memory.buffer, control + ${NUMBERS}, ${MOST_ARGUMENTS + 1});
const functions = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);
Atomics.store(words, ${Control.isOnline}, 1);
Atomics.notify(words, ${Control.isOnline});
for (let seen = 0; ; ) {
  Atomics.wait(words, ${Control.posted}, seen);
  const posted = Atomics.load(words, ${Control.posted});
  if (posted === seen) continue;
  seen = posted;
  if (words[${Control.task}] === ${END}) break;
  const count = words[${Control.argumentCount}];
  const isAwaited = words[${Control.isAwaited}] === 1;
  numbers[0] = functions[words[${Control.task}]](...numbers.subarray(1, 1 + count));
  Atomics.store(words, ${Control.done}, seen);
  Atomics.notify(words, ${Control.done});
  if (isAwaited) parentPort.postMessage([seen, numbers[0]]);
}
`;

/** A call of one of the kernel's functions that another thread makes. */
export interface ThreadCall {
  /** Waits for its end; gives what the function gave. */
  wait(): number;
}

/** Who waits for the end of a task. */
interface Waiting {
  readonly resolve: (result: number) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that runs one task at a time. */
class KernelThread {
  readonly control: number;
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  /** By number of the task; the next one may be posted before the message about the last one is here. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;

  constructor(control: number, module: WasmModule, linear: LinearMemory) {
    this.control = control;
    this.#words = new Int32Array(linear.buffer, control, 16);
    this.#numbers = new Float64Array(linear.buffer, control + NUMBERS, MOST_ARGUMENTS + 1);
    const workerData = { module, memory: linear.memory, control };
    const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [], stdin: false });
    this.#worker = worker;
    worker.on("message", ([task, result]: [number, number]) => this.#waiting.get(task)?.resolve(result));
    // One that fails (no memory for its stack) never gets work again; what nobody awaits is done by the one that waits for it.
    worker.on("error", (error) => this.#fail(error));
    this.#ended = new Promise((resolve) => {
      worker.on("exit", () => {
        this.#fail(new Error("a thread ended in the middle of a link"));
        resolve();
      });
    });
    worker.unref();
  }

  get isIdle(): boolean {
    const words = this.#words;
    return words[Control.isOnline] === 1 && Atomics.load(words, Control.done) === Atomics.load(words, Control.posted);
  }

  /** The result of the task, when the message about it comes. */
  async call(task: number, values: readonly number[]): Promise<number> {
    const posted = this.#post(task, values, true);
    // What is awaited must keep the process alive.
    this.#worker.ref();
    try {
      return await new Promise((resolve, reject) => this.#waiting.set(posted, { resolve, reject }));
    } finally {
      this.#waiting.delete(posted);
      if (this.#waiting.size === 0) this.#worker.unref();
    }
  }

  /** Has the task done, which is to be waited for. */
  start(task: number, values: readonly number[]): ThreadCall {
    const words = this.#words;
    const posted = this.#post(task, values, false);
    return {
      wait: () => {
        for (let done = Atomics.load(words, Control.done); done !== posted; done = Atomics.load(words, Control.done)) {
          Atomics.wait(words, Control.done, done, 1000);
        }
        return this.#numbers[0]!;
      },
    };
  }

  async close(): Promise<void> {
    this.#post(END, [], false);
    this.#worker.ref();
    await this.#ended;
  }

  /** Gives the thread its next task; answers the task's number. */
  #post(task: number, values: readonly number[], isAwaited: boolean): number {
    const words = this.#words;
    this.#numbers.set(values, 1);
    words[Control.task] = task;
    words[Control.argumentCount] = values.length;
    words[Control.isAwaited] = isAwaited ? 1 : 0;
    const posted = Atomics.add(words, Control.posted, 1) + 1;
    Atomics.notify(words, Control.posted);
    return posted;
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) {
      reject(error instanceof Error ? error : new Error("a thread failed in the middle of a link"));
    }
  }
}

/** Threads beside this one that run functions of the kernel on the linear memory. */
export class KernelThreads {
  readonly #threads: KernelThread[] = [];
  readonly #functions: unknown[];
  readonly #linear: LinearMemory;

  /** Starts `count` threads; they take part when they are there (15 to 40 ms). `exports`: the functions of `module`. */
  constructor(count: number, module: WasmModule, exports: object, linear: LinearMemory) {
    this.#functions = Object.values(exports);
    this.#linear = linear;
    for (let i = 0; i < count; i++) {
      const control = linear.take("tables", RECORD_SIZE);
      if (control === undefined) break;
      this.#threads.push(new KernelThread(control, module, linear));
    }
  }

  /** Number of threads that are there and have nothing to do. */
  get idle(): number {
    return this.#threads.reduce((count, { isIdle }) => count + (isIdle ? 1 : 0), 0);
  }

  /**
   * Has an idle thread call the function, while this one goes on with something else; undefined when none is idle. Errors: what the thread
   * failed with, which may be in the middle of the work.
   */
  call(name: (...values: never[]) => unknown, values: readonly number[]): Promise<number> | undefined {
    return this.#threads.find(({ isIdle }) => isIdle)?.call(this.#functions.indexOf(name), values);
  }

  /** Has every idle thread call the function with arguments of its own, `argumentsOf` its number among them. */
  callAll(name: (...values: never[]) => unknown, argumentsOf: (index: number) => readonly number[]): ThreadCall[] {
    const task = this.#functions.indexOf(name);
    const idle = this.#threads.filter(({ isIdle }) => isIdle);
    return idle.map((thread, index) => thread.start(task, argumentsOf(index)));
  }

  /** Ends the threads; they must have nothing to do. */
  async close(): Promise<void> {
    for (const thread of this.#threads.splice(0)) {
      await thread.close();
      this.#linear.give("tables", thread.control, RECORD_SIZE);
    }
  }
}

/** Threads that this machine runs side by side. */
export function processorCount(): number {
  return availableParallelism();
}
