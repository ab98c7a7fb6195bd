import type { JITDylib } from "./jit-dylib.ts";

/** Work that waits for its turn. */
interface Waiting {
  readonly dylibs: readonly JITDylib[];
  /** Does the work and answers who asked for it; never rejects. */
  start(): Promise<void>;
}

/**
 * One job at a time for JITDylibs that can reach each other: the second is to see what the first has linked. Work that has nothing in common
 * with what runs and with what waits before it begins at once; each gets all of its JITDylibs together, so that no two wait for each other.
 */
export class Turns {
  /** What the work that runs has reached when it began. */
  readonly #busy = new Set<JITDylib>();
  /** In the order in which it came. */
  #waiting: Waiting[] = [];

  /** Does the work when it is the turn of all the JITDylibs, never before the caller goes on. */
  take<T>(dylibs: readonly JITDylib[], work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const start = () => work().then(resolve, reject);
      this.#waiting.push({ dylibs, start });
      // What is added to a JITDylib right behind the call belongs to the work.
      queueMicrotask(() => this.#startReady());
    });
  }

  /** Whom work reaches is found out when it is to begin: link orders and re-exports may have been added while it waited. */
  #startReady(): void {
    // JITDylibs of work that goes on waiting, and all that they reach: later work must not overtake it there.
    const claimed = new Set<JITDylib>();
    const rest: Waiting[] = [];
    for (const each of this.#waiting) {
      if (each.dylibs.length > 0 && each.dylibs.every((dylib) => claimed.has(dylib))) {
        rest.push(each);
        continue;
      }
      const reached = reachedFrom(each.dylibs);
      if (reached.some((dylib) => this.#busy.has(dylib) || claimed.has(dylib))) {
        for (const dylib of reached) claimed.add(dylib);
        rest.push(each);
      } else void this.#run(each, reached);
    }
    this.#waiting = rest;
  }

  async #run({ start }: Waiting, reached: readonly JITDylib[]): Promise<void> {
    for (const dylib of reached) this.#busy.add(dylib);
    await start();
    for (const dylib of reached) this.#busy.delete(dylib);
    this.#startReady();
  }
}

/** The JITDylibs, and what look-ups in them may link elsewhere: by link orders, and by names that stand for those of others. */
function reachedFrom(dylibs: readonly JITDylib[]): readonly JITDylib[] {
  const reached = new Set(dylibs);
  for (const { linkOrder, reexports } of reached) {
    for (const other of linkOrder) reached.add(other);
    for (const { dylib } of reexports.values()) reached.add(dylib);
  }
  return [...reached];
}
