import type { AddressRange } from "./address.ts";
import { alignUp } from "./address.ts";

/**
 * Free ranges of one reservation, kept sorted and coalesced: first fit by address, so that fresh memory is touched
 * only when nothing freed fits. Pure arithmetic.
 */
export class FreeRanges {
  /** All of it, free or not. */
  readonly range: AddressRange;
  readonly #free: { start: number; end: number }[];

  constructor(range: AddressRange) {
    this.range = range;
    this.#free = range.end > range.start ? [{ start: range.start, end: range.end }] : [];
  }

  /** Bytes not handed out. */
  get freeSize(): number {
    return this.#free.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** The longest range that is free, in bytes. */
  get largestFree(): number {
    return this.#free.reduce((largest, { start, end }) => Math.max(largest, end - start), 0);
  }

  /** Number of free ranges: 1 when everything has come back. */
  get freeRangeCount(): number {
    return this.#free.length;
  }

  /** Takes `size` bytes at a multiple of `alignment`; undefined when no free range holds them. */
  take(size: number, alignment: number): number | undefined {
    for (let i = 0; i < this.#free.length; i++) {
      const range = this.#free[i];
      const start = alignUp(range.start, alignment);
      const end = start + size;
      if (end > range.end) continue;
      const rest = { start: end, end: range.end };
      if (start > range.start) {
        range.end = start;
        if (rest.end > rest.start) this.#free.splice(i + 1, 0, rest);
      } else if (rest.end > rest.start) range.start = rest.start;
      else this.#free.splice(i, 1);
      return start;
    }
    return undefined;
  }

  /** Gives back `size` bytes that `take` answered. */
  give(start: number, size: number): void {
    const end = start + size;
    const i = this.#indexAfter(start);
    const before = this.#free[i - 1];
    const after = this.#free[i];
    if (before?.end === start) {
      before.end = end;
      if (after?.start === end) {
        before.end = after.end;
        this.#free.splice(i, 1);
      }
    } else if (after?.start === end) after.start = start;
    else this.#free.splice(i, 0, { start, end });
  }

  /** Index of the first free range that starts behind `address`. */
  #indexAfter(address: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#free[middle].start > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
