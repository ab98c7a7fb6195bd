import type { PointerContext } from "./block-layout.ts";
import type { ChannelPointers } from "./call-channel.ts";

/** What is to be taken back from the scratch after a call. */
export interface CopyBack {
  readonly to: Uint8Array;
  readonly at: number;
}

const EMPTY: readonly CopyBack[] = [];

/**
 * The pointers of a call that is being encoded: strings and arrays that only JavaScript sees get room behind the call's block, which lives as
 * long as the call.
 */
export class CallScratch implements PointerContext {
  readonly #pointers: ChannelPointers;
  #bytes: Uint8Array = new Uint8Array(0);
  #address = 0;
  #end = 0;
  #copies: CopyBack[] | undefined;
  /** First byte that is free. */
  at = 0;

  constructor(pointers: ChannelPointers) {
    this.#pointers = pointers;
  }

  /** Begins a call: `bytes` from `at` to `end` are free, and the executor has `bytes` at `address`. */
  begin(bytes: Uint8Array, address: number, at: number, end: number): void {
    this.#bytes = bytes;
    this.#address = address;
    this.at = at;
    this.#end = end;
    this.#copies = undefined;
  }

  /** What the call's arrays are to get back, by `copyBack`. */
  get copies(): readonly CopyBack[] {
    return this.#copies ?? EMPTY;
  }

  addressOf(value: unknown, type: never): number {
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
    const at = this.#take(size + 1, 1, "a string");
    const { buffer, byteOffset } = this.#bytes;
    Buffer.from(buffer as ArrayBuffer, byteOffset + at, size).write(text);
    this.#bytes[at + size] = 0;
    return this.#address + at;
  }

  #putArray(array: ArrayBufferView | ArrayBufferLike): number {
    const isView = ArrayBuffer.isView(array);
    const to = isView
      ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      : new Uint8Array(array, 0, array.byteLength);
    const at = this.#take(to.length, 16, "an array");
    this.#bytes.set(to, at);
    this.#copies ??= [];
    this.#copies.push({ to, at });
    return this.#address + at;
  }

  #take(size: number, alignment: number, what: string): number {
    const at = (this.at + alignment - 1) & -alignment;
    if (at + size > this.#end) {
      const room = Math.max(0, this.#end - at);
      throw new RangeError(
        `${what} of ${size} bytes does not fit a call's room, of which ${room} are left; put it into memory of the executor's`,
      );
    }
    this.at = at + size;
    return at;
  }
}

/** Takes arrays back from `bytes`, after the call. */
export function copyBack(copies: readonly CopyBack[], bytes: Uint8Array): void {
  for (const { to, at } of copies) to.set(bytes.subarray(at, at + to.length));
}
