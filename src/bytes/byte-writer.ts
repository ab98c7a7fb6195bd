import { setWord64 } from "./word.ts";

/** Growing little-endian buffer; 64-bit fields are written from numbers (|value| ≤ 2^53). */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written so far; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number): this {
    const at = this.#grow(8);
    setWord64(this.#view, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Appends `count` zero bytes. */
  zeros(count: number): this {
    this.#grow(count);
    return this;
  }

  /** Pads with zeros to a multiple of `alignment`. */
  align(alignment: number): this {
    const rest = this.#length % alignment;
    return rest === 0 ? this : this.zeros(alignment - rest);
  }

  /** Makes room and gives the position; to be called before `#view` is read, since it may replace it. */
  #grow(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, at + size));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = at + size;
    return at;
  }
}
