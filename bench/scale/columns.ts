/** A list of numbers in one typed array: a million of them take 8 MB and no garbage. */
export class Column {
  #values = new Float64Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** Appends a value and gives the new length, as an array's push does. */
  push(value: number): number {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    return ++this.#length;
  }
}

/** Bytes one behind the other, and names each closed by a NUL: contents of sections, string tables. */
export class TextColumn {
  #bytes = Buffer.alloc(4096);
  #length: number;

  /** `start` bytes of zero come first: a string table begins with the empty name. */
  constructor(start = 1) {
    this.#length = start;
  }

  get length(): number {
    return this.#length;
  }

  get used(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Appends a name (latin1) with its NUL and gives its position. */
  add(name: string): number {
    this.#reserve(name.length + 1);
    const at = this.#length;
    this.#bytes.write(name, at, "latin1");
    this.#length += name.length + 1;
    return at;
  }

  /** Appends bytes and gives their position. */
  bytes(bytes: Uint8Array): number {
    this.#reserve(bytes.length);
    const at = this.#length;
    this.#bytes.set(bytes, at);
    this.#length += bytes.length;
    return at;
  }

  /** Pads with zeros to a multiple of `alignment`. */
  align(alignment: number): void {
    const padding = (alignment - (this.#length % alignment)) % alignment;
    this.#reserve(padding);
    this.#length += padding;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#length + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
