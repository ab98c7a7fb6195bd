import { ExecutorError } from "../errors.ts";
import type { BlockLayout } from "./block-layout.ts";

/** A JavaScript function that linked code calls. Its layout decides what the values are. */
export type ImportHandler = (...values: never[]) => unknown;

/** A function and how its values lie. */
export interface ImportEntry {
  readonly layout: BlockLayout;
  readonly handler: (...values: unknown[]) => unknown;
}

/** The imports of a channel by number; a number is never used again. */
export class ImportTable {
  readonly #entries = new Map<number, ImportEntry>();
  #last = 0;

  add(layout: BlockLayout, handler: ImportHandler): number {
    this.#entries.set(++this.#last, { layout, handler: handler as ImportEntry["handler"] });
    return this.#last;
  }

  remove(id: number): void {
    this.#entries.delete(id);
  }

  /** Errors: ExecutorError for one that has been removed. */
  get(id: number): ImportEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ExecutorError(`linked code called import ${id}, which has been removed`);
    return entry;
  }
}

/** Whether an import's value comes later. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return value instanceof Promise || typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** Nobody waits for it: that it fails is no unhandled rejection. */
export function letFail(value: PromiseLike<unknown>): void {
  Promise.resolve(value).catch(() => {});
}

/** The error for one within a call that blocks the event loop. */
export function promiseInSyncCall(): ExecutorError {
  return new ExecutorError("an import answered a synchronous call with a Promise, which could never settle");
}
