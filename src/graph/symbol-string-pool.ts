import { type ColumnBlock, Columns } from "../kernel/columns.ts";
import {
  POOL_COUNT,
  POOL_HAS_VERSIONS,
  POOL_HASH,
  POOL_LENGTH,
  POOL_MASK,
  POOL_SLOTS,
  POOL_START,
  POOL_STORE,
  POOL_STORE_SIZE,
  POOL_USED,
} from "../kernel/record.ts";

const initialNames = 1 << 14;
const initialBytes = 1 << 19;
/** Names up to this long need no look at their length before they are hashed. */
const commonLength = 4096;
const USED = POOL_USED / 4;
const COUNT = POOL_COUNT / 4;
const MASK = POOL_MASK / 4;
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
  /** Memory of the tables, for the kernel. */
  readonly columns = new Columns();
  #slots!: Int32Array;
  #hash!: Int32Array;
  #start!: Int32Array;
  #length!: Int32Array;
  #store!: DataView;
  #slotsBlock: ColumnBlock | undefined;
  #namesBlock: ColumnBlock | undefined;
  #storeBlock: ColumnBlock | undefined;
  /** What changes with every new name is in the record, since the kernel adds names as well. */
  #words: Int32Array = this.columns.words;

  constructor() {
    this.#makeSlots(2 * initialNames);
    this.#makeNames(initialNames);
    this.#makeStore(initialBytes);
  }

  /** Number of distinct names; identifiers run from 0 to `size - 1`. */
  get size(): number {
    return this.#words[COUNT]!;
  }

  /** Whether the kernel has met a name with a mark of versions. */
  get hasVersions(): boolean {
    return this.#words[POOL_HAS_VERSIONS / 4] !== 0;
  }

  /** Makes room for so many more names, of so many bytes in all (each with its NUL). */
  reserve(names: number, bytes: number): void {
    const count = this.size + names;
    if (count > this.#hash.length) this.#makeNames(Math.max(2 * this.#hash.length, count));
    this.#reserveBytes(bytes + 8);
    if (2 * count > this.#slots.length) this.#rehash(count);
  }

  /** The identifier of the NUL-terminated name at `position` of `view`; the NUL must lie before `limit`. */
  intern(view: DataView, position: number, limit: number): number {
    const near = Math.min(limit, position + commonLength);
    if (this.#words[USED]! + commonLength + 4 > this.#store.byteLength) this.#reserveBytes(commonLength + 4);
    const id = this.#intern(view, position, near, limit);
    if (id >= 0) return id;
    let end = position;
    while (view.getUint8(end) !== 0) end++;
    this.#reserveBytes(end - position + 8);
    return this.#intern(view, position, limit, limit);
  }

  #intern(view: DataView, position: number, near: number, limit: number): number {
    const store = this.#store;
    const begin = this.#words[USED]!;
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
    return new Uint8Array(this.#store.buffer, this.#store.byteOffset + this.#start[id]!, this.#length[id]!);
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

  /** Moves the names into arrays of their own, just large enough, and gives the memory in the kernel's reach back. */
  detach(): void {
    const count = this.size;
    const store = new Uint8Array(this.#store.buffer, this.#store.byteOffset, this.#words[USED]!);
    this.#store = new DataView(store.slice().buffer);
    this.#hash = this.#hash.slice(0, count);
    this.#start = this.#start.slice(0, count);
    this.#length = this.#length.slice(0, count);
    this.#words = this.#words.slice();
    this.columns.dispose();
    this.#fillSlots(2 ** Math.ceil(Math.log2(2 * count + 2)));
  }

  #find(hash: number, begin: number, length: number): number {
    const words = this.#words;
    const mask = words[MASK]!;
    let slot = hash & mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      const id = entry - 1;
      if (this.#hash[id] === hash && this.#length[id] === length && this.#equal(this.#start[id]!, begin, length)) {
        return id;
      }
      slot = (slot + 1) & mask;
    }
    const id = words[COUNT]!;
    words[COUNT] = id + 1;
    if (id === this.#hash.length) this.#makeNames(2 * this.#hash.length + 1);
    this.#hash[id] = hash;
    this.#start[id] = begin;
    this.#length[id] = length;
    this.#slots[slot] = id + 1;
    words[USED] = begin + length;
    if (2 * id > mask) this.#rehash(id + 1);
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

  #reserveBytes(bytes: number): void {
    const size = this.#words[USED]! + bytes;
    if (size > this.#store.byteLength) this.#makeStore(Math.max(2 * this.#store.byteLength, size));
  }

  #makeStore(size: number): void {
    const before = this.#store;
    const block = this.columns.block(size);
    const bytes = block.uint8(size, POOL_STORE);
    this.#store = new DataView(bytes.buffer, bytes.byteOffset, size);
    this.#words[POOL_STORE_SIZE / 4] = size;
    if (this.#storeBlock !== undefined) {
      bytes.set(new Uint8Array(before.buffer, before.byteOffset, this.#words[USED]!));
      this.#storeBlock.release();
    }
    this.#storeBlock = block;
  }

  #makeNames(capacity: number): void {
    const [hash, start, length] = [this.#hash, this.#start, this.#length];
    const block = this.columns.block(12 * capacity + 24);
    this.#hash = block.int32(capacity, POOL_HASH);
    this.#start = block.int32(capacity, POOL_START);
    this.#length = block.int32(capacity, POOL_LENGTH);
    if (this.#namesBlock !== undefined) {
      this.#hash.set(hash);
      this.#start.set(start);
      this.#length.set(length);
      this.#namesBlock.release();
    }
    this.#namesBlock = block;
  }

  #makeSlots(size: number): void {
    const before = this.#slotsBlock;
    this.#slotsBlock = this.columns.block(4 * size);
    this.#slots = this.#slotsBlock.int32(size, POOL_SLOTS);
    this.#words[MASK] = size - 1;
    before?.release();
  }

  /** Enlarges the table for `count` names, so that it is at most half full. */
  #rehash(count: number): void {
    let size = 2 * this.#slots.length;
    while (size < 2 * count) size *= 2;
    this.#fillSlots(size);
  }

  #fillSlots(size: number): void {
    this.#makeSlots(size);
    const slots = this.#slots;
    const mask = size - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = this.#hash[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
  }
}
