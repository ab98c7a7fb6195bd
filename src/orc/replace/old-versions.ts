import type { ExecutionSession } from "../execution-session.ts";
import type { LinkedJob } from "../materialize.ts";

/** So many are kept before it is worth while to look which are still in use. */
const MANY = 16;

/** Versions that no call enters any more, and that calls may still be in. */
export class OldVersions {
  readonly #session: ExecutionSession;
  /** The latest last. */
  #waiting: LinkedJob[] = [];
  /** Looked at in vain so many times as there are bits: each time, the next look is put off for longer. */
  #patience = MANY;

  constructor(session: ExecutionSession) {
    this.#session = session;
  }

  /** Takes a version that has been replaced. `stays`: others use its memory for good. */
  add(job: LinkedJob, stays: boolean): void {
    if (!stays) this.#waiting.push(job);
  }

  /** Looks when there are many. */
  async collectIfMany(): Promise<void> {
    if (this.#waiting.length < this.#patience) return;
    await this.collect();
    this.#patience = Math.max(MANY, 2 * this.#waiting.length);
  }

  /** Takes those out of the executor that nothing refers to, and gives their number. */
  async collect(): Promise<number> {
    if (this.#waiting.length === 0) return 0;
    const { findReferences } = await import("./find-references.ts");
    const ranges = this.#waiting.map(({ alloc }) => ({ start: alloc.address, end: alloc.address + alloc.size }));
    const referred = findReferences(this.#session.epc, ranges);
    if (referred === undefined) return 0;
    const free = this.#waiting.filter((_, i) => !referred[i]);
    this.#waiting = this.#waiting.filter((_, i) => referred[i]);
    for (const job of free) await this.#session.remove(job);
    return free.length;
  }
}
