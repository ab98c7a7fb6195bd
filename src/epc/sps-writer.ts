import type { AddressRange } from "../bytes/address.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";

const encoder = new TextEncoder();
const FALSE = Uint8Array.of(0);
const TRUE = Uint8Array.of(1);

/**
 * Writes LLVM's Simple Packed Serialization: little-endian, unaligned, tuples and argument lists back to back.
 * 64-bit fields are written from numbers.
 */
export class SpsWriter {
  readonly #out: ByteWriter;

  constructor(capacity?: number) {
    this.#out = new ByteWriter(capacity);
  }

  /** The blob so far; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#out.bytes;
  }

  /** One byte, 0 or 1. */
  bool(value: boolean): this {
    this.#out.raw(value ? TRUE : FALSE);
    return this;
  }

  /** An unsigned byte. */
  u8(value: number): this {
    this.#out.raw(Uint8Array.of(value));
    return this;
  }

  /** A 16-bit number. */
  u16(value: number): this {
    this.#out.raw(Uint8Array.of(value, value >> 8));
    return this;
  }

  /** A 32-bit number. */
  u32(value: number): this {
    this.#out.raw(Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
    return this;
  }

  /** Also for signed values and addresses. */
  u64(value: number): this {
    this.#out.u64(value);
    return this;
  }

  /** ExecutorAddrRange: two addresses. */
  addressRange(range: AddressRange): this {
    return this.u64(range.start).u64(range.end);
  }

  /** Sequence<char>: the count, then the bytes. */
  blob(bytes: Uint8Array): this {
    this.#out.u64(bytes.length).raw(bytes);
    return this;
  }

  /** String: a 64-bit length and UTF-8. */
  string(text: string): this {
    return this.blob(encoder.encode(text));
  }

  /** Sequence<T>: a 64-bit count, then each item by `write`. */
  sequence<T>(items: readonly T[], write: (item: T, out: SpsWriter) => void): this {
    this.u64(items.length);
    for (const item of items) write(item, this);
    return this;
  }

  /** Optional<T>: a bool, and the value by `write` unless it is undefined. */
  optional<T>(value: T | undefined, write: (value: T, out: SpsWriter) => void): this {
    this.bool(value !== undefined);
    if (value !== undefined) write(value, this);
    return this;
  }

  /** Error: undefined is success. */
  error(message: string | undefined): this {
    return this.optional(message, (text) => this.string(text));
  }
}
