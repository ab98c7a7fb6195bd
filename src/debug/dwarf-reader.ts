const decoder = new TextDecoder();

/**
 * Reads DWARF's and ELF's little-endian forms one after the other. Reading beyond the end throws RangeError: who asks for debug
 * information has to do without where it is broken.
 */
export class DwarfReader {
  at: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** A window [at, end) on `bytes`. */
  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    if (!(at >= 0 && at <= end && end <= bytes.length)) throw new RangeError("outside of the section");
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, end);
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** LEB128, DWARF 5 section 7.6. */
  uleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }

  sleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Math.min(64, Number(shift) + 7), value);
    }
  }

  /** The same as numbers, for counts and offsets. */
  count(): number {
    return Number(this.uleb());
  }

  signedCount(): number {
    return Number(this.sleb());
  }

  /** NUL-terminated. */
  string(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0 || end >= this.end) throw new RangeError("a string without its end");
    const text = decoder.decode(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }

  block(size: number): Uint8Array {
    const at = this.#take(size);
    return this.bytes.subarray(at, at + size);
  }

  /** A part of the same bytes, so that positions stay what they are. */
  window(size: number): DwarfReader {
    const at = this.#take(size);
    return new DwarfReader(this.bytes, at, at + size);
  }

  #take(size: number): number {
    const at = this.at;
    if (!(size >= 0 && at + size <= this.end)) throw new RangeError("beyond the end of the section");
    this.at = at + size;
    return at;
  }
}
