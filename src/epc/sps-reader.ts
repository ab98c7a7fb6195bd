import { type AddressRange, hex, TWO_32 } from "../bytes/address.ts";
import { ProtocolError } from "./protocol-error.ts";

const decoder = new TextDecoder();

/**
 * Reads LLVM's Simple Packed Serialization. Nothing in it is trusted: every read is checked against the bytes that
 * are there, counts before anything is allocated for them. Errors: ProtocolError naming what is read (`what`).
 */
export class SpsReader {
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  /** `what`: the message's name, for errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#view.byteLength - this.#at;
  }

  /** One byte, 0 or 1. */
  bool(field: string): boolean {
    const value = this.u8(field);
    if (value > 1) this.#fail(`${field} is ${hex(value)}, not 0 or 1`);
    return value === 1;
  }

  /** An unsigned byte. */
  u8(field: string): number {
    return this.#view.getUint8(this.#take(1, field));
  }

  /** A 16-bit number, unsigned. */
  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field), true);
  }

  /** A 32-bit number, unsigned. */
  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field), true);
  }

  /** A 32-bit number, signed. */
  i32(field: string): number {
    return this.#view.getInt32(this.#take(4, field), true);
  }

  /** An unsigned 64-bit field or an address; 2^53 and more are refused. */
  u64(field: string): number {
    const at = this.#take(8, field);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 0x20_0000) this.#fail(`${field} is 2^53 or more`);
    return high * TWO_32 + this.#view.getUint32(at, true);
  }

  /** A signed 64-bit field; magnitudes beyond 2^53 are refused. */
  i64(field: string): number {
    const at = this.#take(8, field);
    const high = this.#view.getInt32(at + 4, true);
    if (high >= 0x20_0000 || high < -0x20_0000) this.#fail(`${field} is beyond ±2^53`);
    return high * TWO_32 + this.#view.getUint32(at, true);
  }

  /** ExecutorAddrRange: two addresses. */
  addressRange(field: string): AddressRange {
    return { start: this.u64(`${field} start`), end: this.u64(`${field} end`) };
  }

  /** Sequence<char>: the bytes themselves, not a copy. */
  blob(field: string): Uint8Array {
    const size = this.u64(`${field} size`);
    const at = this.#take(size, field);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, size);
  }

  /** So many bytes, which have no count of their own: the bytes themselves, not a copy. */
  bytes(size: number, field: string): Uint8Array {
    const at = this.#take(size, field);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, size);
  }

  /** String: a 64-bit length and UTF-8. */
  string(field: string): string {
    return decoder.decode(this.blob(field));
  }

  /** Sequence<T>; `minimum` is the least number of bytes one element has. */
  sequence<T>(field: string, minimum: number, read: (reader: this) => T): T[] {
    const count = this.count(field, minimum);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read(this));
    return items;
  }

  /** A sequence's count, after which the caller reads the elements. */
  count(field: string, minimum: number): number {
    const count = this.u64(`${field} count`);
    if (count * minimum > this.remaining) {
      this.#fail(`${field} has ${hex(count)} elements of at least ${minimum} bytes, but ${hex(this.remaining)} remain`);
    }
    return count;
  }

  /** Optional<T>: a bool, and the value where that is true. */
  optional<T>(field: string, read: (reader: this) => T): T | undefined {
    return this.bool(`${field} present`) ? read(this) : undefined;
  }

  /** Error: the message, or undefined for success. */
  error(field: string): string | undefined {
    return this.bool(`${field} failed`) ? this.string(`${field} message`) : undefined;
  }

  /** Expected<T>: the value, or the message. */
  expected<T>(field: string, read: (reader: this) => T): { value: T } | { error: string } {
    return this.bool(`${field} succeeded`) ? { value: read(this) } : { error: this.string(`${field} message`) };
  }

  #take(size: number, field: string): number {
    if (size > this.remaining) this.#fail(`${field} needs ${hex(size)} bytes, ${hex(this.remaining)} remain`);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #fail(detail: string): never {
    throw new ProtocolError(`${this.#what}: ${detail}`);
  }
}
