const initialNames = 1 << 14;
const initialBytes = 1 << 19;
/** Names up to this long need no look at their length before they are hashed. */
const commonLength = 4096;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Interned symbol names: equal bytes get the same small integer. Names are hashed and compared as bytes; a JavaScript
 * string is made only when somebody asks for one.
 *
 * Open addressing with linear probing over `#slots`; the bytes of new names are appended to one store, four at a time
 * while they are hashed, so that a name is read once whether it is new or known.
 */
export class SymbolStringPool {
  #slots = new Int32Array(2 * initialNames);
  #mask = 2 * initialNames - 1;
  #hash = new Int32Array(initialNames);
  #start = new Int32Array(initialNames);
  #length = new Int32Array(initialNames);
  #store = new DataView(new ArrayBuffer(initialBytes));
  #used = 0;
  #count = 0;

  /** Number of distinct names; identifiers run from 0 to `size - 1`. */
  get size(): number {
    return this.#count;
  }

  /** The identifier of the NUL-terminated name at `position` of `view`; the NUL must lie before `limit`. */
  intern(view: DataView, position: number, limit: number): number {
    const near = Math.min(limit, position + commonLength);
    if (this.#used + commonLength + 4 > this.#store.byteLength) this.#reserve(commonLength + 4);
    const id = this.#intern(view, position, near, limit);
    if (id >= 0) return id;
    let end = position;
    while (view.getUint8(end) !== 0) end++;
    this.#reserve(end - position + 8);
    return this.#intern(view, position, limit, limit);
  }

  #intern(view: DataView, position: number, near: number, limit: number): number {
    const store = this.#store;
    const begin = this.#used;
    let out = begin;
    let at = position;
    let hash = 0x811c9dc5 | 0;
    let word = 0;
    while (at + 4 <= near) {
      word = view.getInt32(at, true);
      if (((word - 0x01010101) & ~word & 0x80808080) !== 0) break;
      store.setInt32(out, word, true);
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
      out += 4;
      at += 4;
    }
    if (at + 4 > near && near < limit) return -1;
    for (let byte = view.getUint8(at); byte !== 0; byte = view.getUint8(at)) {
      store.setUint8(out++, byte);
      hash = Math.imul(hash ^ byte, 0x01000193);
      at++;
    }
    return this.#find(hash ^ (hash >>> 13), begin, out - begin);
  }

  /** The identifier of a name given as a string. */
  internString(name: string): number {
    const bytes = encoder.encode(`${name}\0`);
    return this.intern(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  }

  /** The name as a string. */
  name(id: number): string {
    return decoder.decode(this.bytes(id));
  }

  /** The name's bytes without a NUL; not a copy. */
  bytes(id: number): Uint8Array {
    return new Uint8Array(this.#store.buffer, this.#start[id]!, this.#length[id]!);
  }

  /** Length of the name in bytes. */
  byteLength(id: number): number {
    return this.#length[id]!;
  }

  /** True when the name begins with `prefix` (ASCII). */
  startsWith(id: number, prefix: string): boolean {
    if (this.#length[id]! < prefix.length) return false;
    const start = this.#start[id]!;
    for (let i = 0; i < prefix.length; i++) {
      if (this.#store.getUint8(start + i) !== prefix.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Gives back the room for more names; those that come all the same get new room. */
  compact(): void {
    if (4 * this.#count > this.#hash.length) return;
    // The table is rehashed into twice its size.
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(this.#count + 2)));
    this.#rehash();
    this.#hash = this.#hash.slice(0, this.#count + 1);
    this.#start = this.#start.slice(0, this.#count + 1);
    this.#length = this.#length.slice(0, this.#count + 1);
    this.#store = new DataView(this.#store.buffer.slice(0, this.#used));
  }

  #find(hash: number, begin: number, length: number): number {
    let slot = hash & this.#mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      const id = entry - 1;
      if (this.#hash[id] === hash && this.#length[id] === length && this.#equal(this.#start[id]!, begin, length)) {
        return id;
      }
      slot = (slot + 1) & this.#mask;
    }
    const id = this.#count++;
    if (id === this.#hash.length) this.#growNames();
    this.#hash[id] = hash;
    this.#start[id] = begin;
    this.#length[id] = length;
    this.#slots[slot] = id + 1;
    this.#used = begin + length;
    if (2 * this.#count > this.#mask) this.#rehash();
    return id;
  }

  #equal(a: number, b: number, length: number): boolean {
    const store = this.#store;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (store.getInt32(a + i, true) !== store.getInt32(b + i, true)) return false;
    }
    for (; i < length; i++) {
      if (store.getUint8(a + i) !== store.getUint8(b + i)) return false;
    }
    return true;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#store.byteLength) return;
    const larger = new Uint8Array(Math.max(2 * this.#store.byteLength, this.#used + bytes));
    larger.set(new Uint8Array(this.#store.buffer, 0, this.#used));
    this.#store = new DataView(larger.buffer);
  }

  #growNames(): void {
    this.#hash = grown(this.#hash);
    this.#start = grown(this.#start);
    this.#length = grown(this.#length);
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = this.#hash[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
