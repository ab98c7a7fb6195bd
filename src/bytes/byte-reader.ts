import { ObjectFormatError } from "../errors.ts";
import { hex, TWO_32 } from "./address.ts";

/**
 * A checked, little-endian window on a file or a part of one. Every accessor takes an offset from the window's start
 * and the name of the field for the error text; nothing outside the window can be read.
 * 64-bit fields come back as numbers and are refused beyond ±2^53.
 */
export class ByteReader {
  /** The underlying memory; hot loops read it directly at `start + offset` once a whole table has been checked. */
  readonly view: DataView;
  /** Position of its first byte in `view`. */
  readonly start: number;
  /** Bytes that it may read. */
  readonly length: number;
  /** What errors call it: a path, or `archive.a(member.o)`. */
  readonly name: string;

  constructor(view: DataView, start: number, length: number, name: string) {
    this.view = view;
    this.start = start;
    this.length = length;
    this.name = name;
  }

  /** A reader of all of `bytes`; errors call it `name`. */
  static of(bytes: Uint8Array, name: string): ByteReader {
    return new ByteReader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength, name);
  }

  /** Throws unless `[offset, offset + size)` lies inside the window. */
  check(offset: number, size: number, field: string): void {
    if (!(offset >= 0 && size >= 0 && offset + size <= this.length)) {
      this.fail(`${field} at ${hex(offset)} with size ${hex(size)} is outside the file of ${hex(this.length)} bytes`);
    }
  }

  /** The unsigned byte at `offset`; `field` is what an error calls it. */
  u8(offset: number, field: string): number {
    this.check(offset, 1, field);
    return this.view.getUint8(this.start + offset);
  }

  /** The little-endian 16-bit number at `offset`, unsigned. */
  u16(offset: number, field: string): number {
    this.check(offset, 2, field);
    return this.view.getUint16(this.start + offset, true);
  }

  /** The little-endian 32-bit number at `offset`, unsigned. */
  u32(offset: number, field: string): number {
    this.check(offset, 4, field);
    return this.view.getUint32(this.start + offset, true);
  }

  /** The little-endian 32-bit number at `offset`, signed. */
  i32(offset: number, field: string): number {
    this.check(offset, 4, field);
    return this.view.getInt32(this.start + offset, true);
  }

  /** An unsigned 64-bit field; values of 2^53 and more are refused. */
  u64(offset: number, field: string): number {
    this.check(offset, 8, field);
    const low = this.view.getUint32(this.start + offset, true);
    const high = this.view.getUint32(this.start + offset + 4, true);
    if (high >= 0x20_0000) this.fail(`${field} at ${hex(offset)} is 2^53 or more`);
    return high * TWO_32 + low;
  }

  /** A signed 64-bit field; magnitudes beyond 2^53 are refused. */
  i64(offset: number, field: string): number {
    this.check(offset, 8, field);
    const low = this.view.getUint32(this.start + offset, true);
    const high = this.view.getInt32(this.start + offset + 4, true);
    if (high >= 0x20_0000 || high < -0x20_0000) this.fail(`${field} at ${hex(offset)} is beyond ±2^53`);
    return high * TWO_32 + low;
  }

  /** The bytes themselves, not a copy. */
  bytes(offset: number, size: number, field: string): Uint8Array {
    this.check(offset, size, field);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.start + offset, size);
  }

  /** A window inside this one, with a name of its own if it is a file of its own. */
  window(offset: number, size: number, field: string, name = this.name): ByteReader {
    this.check(offset, size, field);
    return new ByteReader(this.view, this.start + offset, size, name);
  }

  /** Throws an ObjectFormatError with the name and `detail`. */
  fail(detail: string): never {
    throw new ObjectFormatError(this.name, detail);
  }
}
