import { ByteWriter } from "../../src/bytes/byte-writer.ts";

/** Sequential decoder of SPS results; a read beyond the end throws. */
export class SpsReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get rest(): number {
    return this.#view.byteLength - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  i64(): number {
    return Number(this.#view.getBigInt64(this.#skip(8), true));
  }

  bytes(): Uint8Array {
    const size = this.u64();
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#skip(size), size);
  }

  string(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Expected<T>: the value, or an Error with the executor's message. */
  expected<T>(read: (reader: SpsReader) => T): T {
    if (this.u8() === 1) return read(this);
    throw new Error(this.string());
  }

  /** Error: throws when there is one. */
  success(): void {
    if (this.u8() === 1) throw new Error(this.string());
  }

  #skip(size: number): number {
    if (size > this.rest) throw new RangeError(`${size} bytes wanted, ${this.rest} left`);
    this.#at += size;
    return this.#at - size;
  }
}

/** Builds argument lists: members back to back. */
export class SpsWriter extends ByteWriter {
  bool(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  sequence(bytes: Uint8Array | string): this {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    return this.u64(data.length).raw(data);
  }

  each<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.u64(items.length);
    for (const item of items) write(this, item);
    return this;
  }
}

export const sps = (): SpsWriter => new SpsWriter();
