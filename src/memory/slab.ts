import { type AddressRange, hex, isPowerOfTwo } from "../bytes/address.ts";
import { FreeRanges } from "../bytes/free-ranges.ts";
import { SlablinkError } from "../errors.ts";

/** The free ranges of one reservation. Nothing is asked of an executor. */
export class Slab extends FreeRanges {
  readonly #allocated = new Map<number, number>();

  /** Address of `size` bytes at a multiple of `alignment`, or undefined when no free range holds them. */
  tryAllocate(size: number, alignment: number): number | undefined {
    if (!(size > 0 && Number.isSafeInteger(size))) throw new SlablinkError("memory", `cannot allocate ${size} bytes`);
    if (!isPowerOfTwo(alignment)) throw new SlablinkError("memory", `alignment ${alignment} is no power of two`);
    const start = this.take(size, alignment);
    if (start !== undefined) this.#allocated.set(start, size);
    return start;
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
    this.give(address, size);
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
