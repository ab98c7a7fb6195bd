import { type AddressRange, alignUp, hex, isPowerOfTwo } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";

/**
 * Free ranges of one reservation, kept sorted and coalesced: first fit by address, so that fresh memory is touched
 * only when nothing freed fits. Pure arithmetic; nothing is asked of an executor.
 */
export class Slab {
  readonly range: AddressRange;
  readonly #free: { start: number; end: number }[];
  readonly #allocated = new Map<number, number>();

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

  /** Address of `size` bytes at a multiple of `alignment`, or undefined when no free range holds them. */
  tryAllocate(size: number, alignment: number): number | undefined {
    if (!(size > 0 && Number.isSafeInteger(size))) throw new SlablinkError("memory", `cannot allocate ${size} bytes`);
    if (!isPowerOfTwo(alignment)) throw new SlablinkError("memory", `alignment ${alignment} is no power of two`);
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
      this.#allocated.set(start, size);
      return start;
    }
    return undefined;
  }

  /** As tryAllocate, but running out is an error that says what was asked and what there is. */
  allocate(size: number, alignment: number, name: string): number {
    const address = this.tryAllocate(size, alignment);
    if (address === undefined) throw exhausted(name, size, [this]);
    return address;
  }

  /** Takes back what allocate gave. Errors: code "memory" when nothing is allocated there (or not any more). */
  free(address: number): void {
    const size = this.#allocated.get(address);
    if (size === undefined) {
      throw new SlablinkError("memory", `nothing is allocated at ${hex(address)} in the slab ${rangeText(this.range)}`);
    }
    this.#allocated.delete(address);
    const end = address + size;
    const i = this.#indexAfter(address);
    const before = this.#free[i - 1];
    const after = this.#free[i];
    if (before?.end === address) {
      before.end = end;
      if (after?.start === end) {
        before.end = after.end;
        this.#free.splice(i, 1);
      }
    } else if (after?.start === end) after.start = address;
    else this.#free.splice(i, 0, { start: address, end });
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

/** No slab holds an allocation: both numbers, and what to change. */
export function exhausted(name: string, size: number, slabs: readonly Slab[]): SlablinkError {
  const largest = slabs.reduce((most, slab) => Math.max(most, slab.largestFree), 0);
  const total = slabs.reduce((sum, slab) => sum + slab.range.end - slab.range.start, 0);
  return new SlablinkError(
    "memory",
    `${name}: needs ${hex(size)} bytes of slab, the largest free range has ${hex(largest)} of ${hex(total)}; use a larger --slab-size`,
  );
}

function rangeText(range: AddressRange): string {
  return `[${hex(range.start)}, ${hex(range.end)})`;
}
