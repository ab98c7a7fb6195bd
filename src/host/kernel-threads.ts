import { Worker } from "node:worker_threads";
import type { LinearMemory } from "./linear-memory.ts";
import type { WasmModule } from "./webassembly.ts";

/** A thread's control record, in words: what it is to do, and how far it is. The first two and `signal`, which it sleeps on, only ever grow. */
const Control = {
  ...{ posted: 0, done: 1, isOnline: 2, task: 3 },
  ...{ argumentCount: 4, isAwaited: 5, signal: 6, isEnding: 7 },
  ...{ hasFailed: 8 },
} as const;
/** Words of the record; the numbers for the task's arguments, its result first, follow at this byte. */
const NUMBERS = 64;
const MOST_ARGUMENTS = 12;
/** Behind them, when the task began and when it ended. */
const BEGAN = 1 + MOST_ARGUMENTS;
const ENDED = BEGAN + 1;
const RECORD_SIZE = 4096;

/** What a thread runs: no module of slablink's, so that it is there soon. It sleeps in Atomics.wait, which takes no processor time. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { module, memory, control } = workerData;
const words = new Int32Array(memory.buffer, control, 16);
const numbers = new Float64Array(memory.buffer, control + ${NUMBERS}, ${ENDED + 1});
const now = () => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
};
const functions = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);
Atomics.store(words, ${Control.isOnline}, 1);
Atomics.notify(words, ${Control.isOnline});
for (let seen = 0; ; ) {
  // What is posted from here on changes it, and the wait ends at once.
  const signal = Atomics.load(words, ${Control.signal});
  const posted = Atomics.load(words, ${Control.posted});
  if (posted === seen) {
    if (Atomics.load(words, ${Control.isEnding}) === 1) break;
    Atomics.wait(words, ${Control.signal}, signal);
    continue;
  }
  seen = posted;
  const count = words[${Control.argumentCount}];
  const isAwaited = words[${Control.isAwaited}] === 1;
  numbers[${BEGAN}] = now();
  try {
    numbers[0] = functions[words[${Control.task}]](...numbers.subarray(1, 1 + count));
  } catch (error) {
    // Who waits must not do so for ever; the memory may be half done, so that this thread is given nothing more.
    words[${Control.hasFailed}] = 1;
    Atomics.store(words, ${Control.isOnline}, 0);
    Atomics.store(words, ${Control.done}, seen);
    Atomics.notify(words, ${Control.done});
    throw error;
  }
  numbers[${ENDED}] = now();
  const answer = isAwaited ? [seen, numbers[0], numbers[${BEGAN}], numbers[${ENDED}]] : undefined;
  Atomics.store(words, ${Control.done}, seen);
  Atomics.notify(words, ${Control.done});
  if (isAwaited) parentPort.postMessage(answer);
}
`;

/** A task that a thread has finished: times in ns of CLOCK_MONOTONIC. */
export interface FinishedTask {
  /** Number of the thread, from 1 on. */
  readonly thread: number;
  /** Name of the kernel's function. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Told of a task that a thread has finished: its number, and when it began and ended. */
type Finished = (task: number, start: number, end: number) => void;

/** A call of one of the kernel's functions that another thread makes. */
export interface ThreadCall {
  /** Waits for its end; gives what the function gave. Errors: the thread has failed, which may be in the middle of the work. */
  wait(): number;
}

/** Who waits for the end of a task. */
interface Waiting {
  readonly task: number;
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
  readonly #finished: Finished;

  constructor(control: number, module: WasmModule, linear: LinearMemory, finished: Finished) {
    this.control = control;
    this.#finished = finished;
    this.#words = new Int32Array(linear.buffer, control, 16);
    this.#numbers = new Float64Array(linear.buffer, control + NUMBERS, ENDED + 1);
    const workerData = { module, memory: linear.memory, control };
    const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [], stdin: false });
    this.#worker = worker;
    worker.on("message", ([posted, result, start, end]: [number, number, number, number]) => {
      const waiting = this.#waiting.get(posted);
      if (waiting !== undefined) finished(waiting.task, start, end);
      waiting?.resolve(result);
    });
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
      return await new Promise((resolve, reject) => this.#waiting.set(posted, { task, resolve, reject }));
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
        if (words[Control.hasFailed] === 1) throw new Error("a thread failed in the middle of a link");
        const numbers = this.#numbers;
        this.#finished(task, numbers[BEGAN]!, numbers[ENDED]!);
        return numbers[0]!;
      },
    };
  }

  /** Ends the thread, as soon as it has done what it was given. */
  async close(): Promise<void> {
    Atomics.store(this.#words, Control.isEnding, 1);
    this.#wake();
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
    this.#wake();
    return posted;
  }

  #wake(): void {
    Atomics.add(this.#words, Control.signal, 1);
    Atomics.notify(this.#words, Control.signal);
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
  readonly #observers = new Set<(task: FinishedTask) => void>();

  /** Starts `count` threads; they take part when they are there (15 to 40 ms). `exports`: the functions of `module`. */
  constructor(count: number, module: WasmModule, exports: object, linear: LinearMemory) {
    this.#functions = Object.values(exports);
    this.#linear = linear;
    const names = Object.keys(exports);
    for (let i = 0; i < count; i++) {
      const control = linear.take("tables", RECORD_SIZE);
      if (control === undefined) break;
      const finished: Finished = (task, start, end) => {
        for (const observer of this.#observers) observer({ thread: i + 1, name: names[task]!, start, end });
      };
      this.#threads.push(new KernelThread(control, module, linear, finished));
    }
  }

  /** Tells `observer` of each task that is finished from now on. */
  observe(observer: (task: FinishedTask) => void): void {
    this.#observers.add(observer);
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

  /** Ends the threads, as soon as they have done what they were given. */
  async close(): Promise<void> {
    const ending = this.#threads.splice(0).map(async (thread) => {
      await thread.close();
      this.#linear.give("tables", thread.control, RECORD_SIZE);
    });
    await Promise.all(ending);
  }
}
