import type { LoopRunner } from "../kernel/loop.ts";
import type { KernelThreads } from "../kernel/threads.ts";

/** The jobs of a session that are on their way, whose loops threads run side by side as soon as there are several jobs. */
export class JobsInFlight {
  readonly #inputBytes = new Map<object, number>();
  /** Set when it pays. */
  threads: KernelThreads | undefined;

  get count(): number {
    return this.#inputBytes.size;
  }

  /** Size of all that they may read. */
  get inputBytes(): number {
    let sum = 0;
    for (const bytes of this.#inputBytes.values()) sum += bytes;
    return sum;
  }

  add(job: object, inputBytes: number): void {
    this.#inputBytes.set(job, inputBytes);
  }

  delete(job: object): void {
    this.#inputBytes.delete(job);
  }

  /** Has an idle thread run a loop, if this thread has another job to go on with meanwhile. */
  readonly runBeside: LoopRunner = ({ run, values }) => {
    return this.count > 1 ? this.threads?.call(run, values) : undefined;
  };
}
