import { Worker } from "node:worker_threads";
import type { LinearMemory } from "./linear-memory.ts";
import type { WasmModule } from "./webassembly.ts";

/** A thread's control record, in words: what it is to do, and how far it is. The first two and `signal`, which it sleeps on, only ever grow. */
const Control = {
  posted: 0,
  done: 1,
  isOnline: 2,
  task: 3,
  argumentCount: 4,
  isAwaited: 5,
  signal: 6,
  isEnding: 7,
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
  numbers[0] = functions[words[${Control.task}]](...numbers.subarray(1, 1 + count));
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

/** A call of one of the kernel's functions that another thread makes. */
export interface ThreadCall {
  /** Waits for its end; gives what the function gave. */
  wait(): number;
}

/** Threads beside this one that run functions of the kernel on the linear memory. */
export class KernelThreads {
  readonly #workers: Worker[] = [];
  readonly #words: Int32Array[] = [];
  readonly #numbers: Float64Array[] = [];
  readonly #functions: unknown[];
  readonly #names: string[];
  readonly #observers = new Set<(task: FinishedTask) => void>();
  readonly #linear: LinearMemory;
  readonly #controls: number[] = [];

  /** Starts `count` threads; they take part when they are there (15 to 40 ms). `exports`: the functions of `module`. */
  constructor(count: number, module: WasmModule, exports: object, linear: LinearMemory) {
    this.#functions = Object.values(exports);
    this.#names = Object.keys(exports);
    this.#linear = linear;
    for (let i = 0; i < count; i++) {
      const control = linear.take("tables", RECORD_SIZE);
      if (control === undefined) break;
      this.#controls.push(control);
      this.#words.push(new Int32Array(linear.buffer, control, 16));
      this.#numbers.push(new Float64Array(linear.buffer, control + NUMBERS, ENDED + 1));
      const workerData = { module, memory: linear.memory, control };
      const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [], stdin: false });
      // A thread that fails (no memory for its stack) never gets work, or its work is done by the one that waits for it.
      worker.on("error", () => {});
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** Tells `observer` of each task from now on. */
  observe(observer: (task: FinishedTask) => void): void {
    this.#observers.add(observer);
  }

  /** Number of threads that are there and have nothing to do. */
  get idle(): number {
    return this.#words.reduce((count, words) => count + (isIdle(words) ? 1 : 0), 0);
  }

  /**
   * Has an idle thread call the function, while this one goes on with something else; undefined when none is idle. Errors: what the thread
   * failed with, which may be in the middle of the work.
   */
  call(name: (...values: never[]) => unknown, values: readonly number[]): Promise<number> | undefined {
    const at = this.#words.findIndex(isIdle);
    const worker = this.#workers[at];
    if (worker === undefined) return undefined;
    const task = this.#post(at, name, values, true);
    return new Promise((resolve, reject) => {
      // What waits for it must keep the process alive.
      worker.ref();
      // Its next task may have been posted before the message about this one is here.
      const answered = ([number, result, start, end]: [number, number, number, number]): void => {
        if (number !== task) return;
        this.#tell(at, name, start, end);
        settle(() => resolve(result));
      };
      const failed = (error: unknown): void =>
        settle(() => reject(error instanceof Error ? error : new Error("a thread ended in the middle of a link")));
      const settle = (how: () => void): void => {
        worker.off("message", answered).off("error", failed).off("exit", failed);
        if (worker.listenerCount("message") === 0) worker.unref();
        how();
      };
      worker.on("message", answered).on("error", failed).on("exit", failed);
    });
  }

  /** Has every idle thread call the function with arguments of its own, `argumentsOf` its number among them. */
  callAll(name: (...values: never[]) => unknown, argumentsOf: (index: number) => readonly number[]): ThreadCall[] {
    const calls: ThreadCall[] = [];
    this.#words.forEach((words, at) => {
      if (!isIdle(words)) return;
      const posted = this.#post(at, name, argumentsOf(calls.length), false);
      calls.push({
        wait: () => {
          for (
            let done = Atomics.load(words, Control.done);
            done !== posted;
            done = Atomics.load(words, Control.done)
          ) {
            Atomics.wait(words, Control.done, done, 1000);
          }
          const numbers = this.#numbers[at]!;
          this.#tell(at, name, numbers[BEGAN]!, numbers[ENDED]!);
          return numbers[0]!;
        },
      });
    });
    return calls;
  }

  #tell(at: number, name: unknown, start: number, end: number): void {
    if (this.#observers.size === 0) return;
    const task = { thread: at + 1, name: this.#names[this.#functions.indexOf(name)]!, start, end };
    for (const observer of this.#observers) observer(task);
  }

  /** Gives a thread its next task; answers the task's number. */
  #post(at: number, name: unknown, values: readonly number[], isAwaited: boolean): number {
    const words = this.#words[at]!;
    this.#numbers[at]!.set(values, 1);
    words[Control.task] = this.#functions.indexOf(name);
    words[Control.argumentCount] = values.length;
    words[Control.isAwaited] = isAwaited ? 1 : 0;
    const posted = Atomics.add(words, Control.posted, 1) + 1;
    wake(words);
    return posted;
  }

  /** Ends the threads, as soon as they have done what they were given. */
  async close(): Promise<void> {
    for (const words of this.#words.splice(0)) {
      Atomics.store(words, Control.isEnding, 1);
      wake(words);
    }
    await Promise.all(this.#workers.splice(0).map((worker) => ended(worker)));
    for (const control of this.#controls.splice(0)) this.#linear.give("tables", control, RECORD_SIZE);
  }
}

function wake(words: Int32Array): void {
  Atomics.add(words, Control.signal, 1);
  Atomics.notify(words, Control.signal);
}

function isIdle(words: Int32Array): boolean {
  return words[Control.isOnline] === 1 && Atomics.load(words, Control.done) === Atomics.load(words, Control.posted);
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.ref();
    worker.once("exit", () => resolve());
  });
}
