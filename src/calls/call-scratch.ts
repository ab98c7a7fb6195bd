import type { ValueType } from "../signature/value-type.ts";
import type { PointerContext } from "./block-layout.ts";
import type { ChannelPointers } from "./call-channel.ts";
import type { Spill, SpillRange } from "./spill.ts";

/** What an array is to get back after a call: `from` is the block's room, or the spill. */
export interface CopyBack {
  readonly to: Uint8Array;
  readonly at: number;
  readonly spilled: boolean;
}

const NO_COPIES: readonly CopyBack[] = [];
const NO_RANGES: readonly SpillRange[] = [];

/**
 * The pointers of a call that is being encoded: strings and arrays that only JavaScript sees get room behind the call's block, or in the spill,
 * which lives as long as the call.
 */
export class CallScratch implements PointerContext {
  readonly #pointers: ChannelPointers;
  readonly #spill: Spill | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #address = 0;
  #end = 0;
  #copies: CopyBack[] | undefined;
  #ranges: SpillRange[] | undefined;
  /** First byte behind the block that is free. */
  at = 0;

  constructor(pointers: ChannelPointers, spill?: Spill) {
    this.#pointers = pointers;
    this.#spill = spill;
  }

  /** Begins a call: `bytes` from `at` to `end` are free, and the executor has `bytes` at `address`. */
  begin(bytes: Uint8Array, address: number, at: number, end: number): void {
    this.#bytes = bytes;
    this.#address = address;
    this.at = at;
    this.#end = end;
    this.#copies = undefined;
    this.#ranges = undefined;
  }

  /** What the call's arrays are to get back, by `copyBack`. */
  get copies(): readonly CopyBack[] {
    return this.#copies ?? NO_COPIES;
  }

  /** What the call has taken of the spill. */
  get ranges(): readonly SpillRange[] {
    return this.#ranges ?? NO_RANGES;
  }

  addressOf(value: unknown, type: ValueType): number {
    if (typeof value === "string") return this.#putString(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
      return this.#pointers.addressOfArray?.(value) ?? this.#putArray(value);
    }
    return this.#pointers.addressOf(value, type);
  }

  readString(address: number): string | null {
    return this.#pointers.readString(address);
  }

  #putString(text: string): number {
    const size = Buffer.byteLength(text);
    const { bytes, at, address } = this.#take(size + 1, 1, "a string");
    Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, size).write(text);
    bytes[at + size] = 0;
    return address;
  }

  #putArray(array: ArrayBufferView | ArrayBufferLike): number {
    const isView = ArrayBuffer.isView(array);
    const to = isView
      ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      : new Uint8Array(array, 0, array.byteLength);
    const { bytes, at, address } = this.#take(to.length, 16, "an array");
    bytes.set(to, at);
    this.#copies ??= [];
    this.#copies.push({ to, at, spilled: bytes !== this.#bytes });
    return address;
  }

  #take(size: number, alignment: number, what: string): { bytes: Uint8Array; at: number; address: number } {
    const at = (this.at + alignment - 1) & -alignment;
    if (at + size <= this.#end) {
      this.at = at + size;
      return { bytes: this.#bytes, at, address: this.#address + at };
    }
    const spill = this.#spill;
    const range = spill?.take(size);
    if (spill === undefined || range === undefined) {
      const room = Math.max(0, this.#end - at, spill?.largestFree ?? 0);
      throw new RangeError(
        `${what} of ${size} bytes does not fit the room for calls, of which ${room} are left; put it into memory of the executor's (session.allocate)`,
      );
    }
    this.#ranges ??= [];
    this.#ranges.push(range);
    return { bytes: spill.bytes, at: range.at, address: spill.address + range.at };
  }
}

/** Takes arrays back after the call, from `bytes` or the spill. */
export function copyBack(copies: readonly CopyBack[], bytes: Uint8Array, spill?: Spill): void {
  for (const { to, at, spilled } of copies) to.set((spilled ? spill!.bytes : bytes).subarray(at, at + to.length));
}
