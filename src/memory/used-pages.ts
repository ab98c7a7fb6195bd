import type { AddressRange } from "../bytes/address.ts";

/** Ranges of pages that have contents although nobody uses them: sorted, apart from each other, not more than a number of bytes. */
export class UsedPages {
  readonly #limit: number;
  readonly #ranges: { start: number; end: number }[] = [];
  #size = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all ranges. */
  get size(): number {
    return this.#size;
  }

  /** Adds a range that overlaps none of the others; false when that would be more than the limit. */
  add({ start, end }: AddressRange): boolean {
    if (this.#size + end - start > this.#limit) return false;
    if (end <= start) return true;
    this.#size += end - start;
    const at = this.#firstBehind(start);
    const before = this.#ranges[at - 1];
    const after = this.#ranges[at];
    if (before?.end === start) {
      before.end = end;
      if (after?.start === end) {
        before.end = after.end;
        this.#ranges.splice(at, 1);
      }
    } else if (after?.start === end) after.start = start;
    else this.#ranges.splice(at, 0, { start, end });
    return true;
  }

  /** Takes out what lies inside `range`, ascending. */
  take(range: AddressRange): AddressRange[] {
    const taken: AddressRange[] = [];
    let at = this.#firstBehind(range.start);
    if (at > 0 && this.#ranges[at - 1]!.end > range.start) at--;
    const first = at;
    const rests: { start: number; end: number }[] = [];
    for (; at < this.#ranges.length && this.#ranges[at]!.start < range.end; at++) {
      const { start, end } = this.#ranges[at]!;
      const inside = { start: Math.max(start, range.start), end: Math.min(end, range.end) };
      if (start < inside.start) rests.push({ start, end: inside.start });
      if (inside.end < end) rests.push({ start: inside.end, end });
      this.#size -= inside.end - inside.start;
      taken.push(inside);
    }
    this.#ranges.splice(first, at - first, ...rests);
    return taken;
  }

  /** Index of the first range that starts behind `address`. */
  #firstBehind(address: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.start > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
