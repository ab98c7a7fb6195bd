import { FreeRanges } from "../bytes/free-ranges.ts";

/** Bytes of a spill that are in use: offsets. */
export interface SpillRange {
  readonly at: number;
  readonly size: number;
}

/** Memory of both sides for strings and arrays that do not fit a lane. */
export class Spill {
  readonly bytes: Uint8Array;
  /** Where the code that runs calls has it. */
  readonly address: number;
  readonly #free: FreeRanges;

  constructor(bytes: Uint8Array, address: number) {
    this.bytes = bytes;
    this.address = address;
    this.#free = new FreeRanges({ start: 0, end: bytes.length });
  }

  /** The longest range that could be taken, in bytes. */
  get largestFree(): number {
    return this.#free.largestFree;
  }

  take(size: number): SpillRange | undefined {
    const rounded = (size + 63) & -64;
    const at = this.#free.take(rounded, 64);
    return at === undefined ? undefined : { at, size: rounded };
  }

  give(ranges: readonly SpillRange[]): void {
    for (const { at, size } of ranges) this.#free.give(at, size);
  }
}
