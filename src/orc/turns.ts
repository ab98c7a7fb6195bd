import type { JITDylib } from "./jit-dylib.ts";

/** One job at a time for JITDylibs that can reach each other: the second is to see what the first has linked. */
export class Turns {
  /** The end of the last work that concerns a JITDylib. */
  readonly #busy = new Map<JITDylib, Promise<void>>();

  /** Does the work when it is the JITDylib's turn. */
  take<T>(dylib: JITDylib, work: () => Promise<T>): Promise<T> {
    const reached = new Set([dylib]);
    for (const each of reached) for (const other of each.linkOrder) reached.add(other);
    const before = [...reached].map((each) => this.#busy.get(each));
    const done = Promise.all(before).then(work);
    const settled = done.then(
      () => {},
      () => {},
    );
    for (const each of reached) this.#busy.set(each, settled);
    return done;
  }

  /** A JITDylib that is no more has no turns. */
  forget(dylib: JITDylib): void {
    this.#busy.delete(dylib);
  }
}
