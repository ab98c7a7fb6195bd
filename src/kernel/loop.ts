/** A call of one of the kernel's long loops. */
export interface KernelLoop {
  readonly run: (...values: number[]) => unknown;
  readonly values: readonly number[];
}

/**
 * A step of a job that asks for the kernel's long loops in place of calling them: whoever drives it runs them at once, or has another
 * thread do it while this one goes on with other jobs. Everything that a loop works on lies in the linear memory.
 */
export type Looping<T> = Generator<KernelLoop, T, number>;

/** Asks for a loop, and gives its result, of one that has none NaN. */
export function* loop(run: (...values: never[]) => unknown, ...values: readonly number[]): Looping<number> {
  return yield { run: run as KernelLoop["run"], values };
}

/** Who runs loops; undefined when nobody has time. */
export type LoopRunner = (loop: KernelLoop) => Promise<number> | undefined;

/** Drives a step to its end. Loops are run by `beside` if it takes them, otherwise here. */
export async function runLoops<T>(step: Looping<T>, beside?: LoopRunner): Promise<T> {
  let next = step.next();
  while (!next.done) {
    const { run, values } = next.value;
    const elsewhere = beside?.(next.value);
    next = step.next(elsewhere === undefined ? Number(run(...values)) : await elsewhere);
  }
  return next.value;
}
