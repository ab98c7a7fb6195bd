import { type ColumnBlock, Columns, moveColumns } from "../kernel/columns.ts";
import { kernel } from "../kernel/kernel.ts";
import {
  HASH_FACTOR,
  HASH_SEED,
  NAME_ENTRY_SIZE,
  NAME_HASH,
  NAME_LENGTH,
  NAME_START,
  POOL_CAPACITY,
  POOL_COUNT,
  POOL_HAS_VERSIONS,
  POOL_MASK,
  POOL_NAMES,
  POOL_SLOTS,
  POOL_STORE,
  POOL_STORE_SIZE,
  POOL_USED,
  SLOT_ID,
  SLOT_TAG_SHIFT,
} from "../kernel/record.ts";

const initialNames = 1 << 8;
const initialBytes = 1 << 13;
const WORDS = NAME_ENTRY_SIZE / 4;
const HASH = NAME_HASH / 4;
const START = NAME_START / 4;
const LENGTH = NAME_LENGTH / 4;
/** Bytes that the kernel may read behind a name of the store. */
const SPARE = 16;
const USED = POOL_USED / 4;
const COUNT = POOL_COUNT / 4;
const MASK = POOL_MASK / 4;
/** '@', which begins a version: the kernel asks only about files with new names whether they have such. */
const VERSION_MARK = 0x40;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Interned symbol names: equal bytes get the same small integer. Names are hashed and compared as bytes; a JavaScript
 * string is made only when somebody asks for one.
 *
 * Open addressing with linear probing over `#slots`; the bytes of new names are appended to one store. The kernel hashes sixteen bytes
 * at once (kernel/intern.ts), here it is four after the other, with the same result.
 */
export class SymbolStringPool {
  /** Memory of the tables, for the kernel. */
  readonly columns: Columns;
  #slots!: Int32Array;
  /** By identifier, WORDS of them: hash, start and length. */
  #names!: Int32Array;
  #store!: DataView;
  #slotsBlock: ColumnBlock | undefined;
  #namesBlock: ColumnBlock | undefined;
  #storeBlock: ColumnBlock | undefined;
  /** What changes with every new name is in the record, since the kernel adds names as well. */
  #words: Int32Array;

  constructor(columns = new Columns()) {
    this.columns = columns;
    this.#words = columns.words;
    this.#makeSlots(2 * initialNames);
    this.#makeNames(initialNames);
    this.#makeStore(initialBytes);
  }

  /** Number of distinct names; identifiers run from 0 to `size - 1`. */
  get size(): number {
    return this.#words[COUNT]!;
  }

  /** Whether some name bears a mark of versions. */
  get hasVersions(): boolean {
    return this.#words[POOL_HAS_VERSIONS / 4] !== 0;
  }

  /** Makes room for so many more names, of so many bytes in all (each with its NUL). */
  reserve(names: number, bytes: number): void {
    const count = this.size + names;
    const capacity = this.#names.length / WORDS;
    if (count > capacity) this.#makeNames(Math.max(2 * capacity, count));
    this.#reserveBytes(bytes + SPARE);
    if (2 * count > this.#slots.length) this.#rehash(count);
  }

  /** The identifier of the NUL-terminated name at `position` of `view`; the NUL must lie before `limit`. */
  intern(view: DataView, position: number, limit: number): number {
    const id = view.buffer === this.columns.buffer ? this.#internFast(position) : -1;
    return id >= 0 ? id : this.#look(view, position, limit, true);
  }

  /** The identifier of a name given as a string; -1 when there is no such name. */
  findString(name: string): number {
    const bytes = encoder.encode(`${name}\0`);
    return this.#look(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, false);
  }

  #look(view: DataView, position: number, limit: number, adds: boolean): number {
    let a = HASH_SEED | 0;
    let b = a;
    let c = a;
    let d = a;
    let at = position;
    for (; at + 16 <= limit; at += 16) {
      const w = view.getInt32(at, true);
      const x = view.getInt32(at + 4, true);
      const y = view.getInt32(at + 8, true);
      const z = view.getInt32(at + 12, true);
      if (hasZero(w) || hasZero(x) || hasZero(y) || hasZero(z)) break;
      a = mix(a, w);
      b = mix(b, x);
      c = mix(c, y);
      d = mix(d, z);
    }
    const last = [0, 0, 0, 0];
    let rest = 0;
    for (let byte = view.getUint8(at); byte !== 0; byte = view.getUint8(at + rest)) {
      last[rest >> 2]! |= byte << (8 * (rest & 3));
      rest++;
    }
    a = mix(a, last[0]!) ^ rotate(mix(b, last[1]!), 8);
    c = rotate(mix(c, last[2]!), 16) ^ rotate(mix(d, last[3]!), 24);
    const length = at + rest - position;
    const hash = mix(a ^ c, length);
    const slot = this.#slotOf(view, position, length, hash);
    const word = this.#slots[slot]!;
    if (word !== 0) return (word & SLOT_ID) - 1;
    return adds ? this.#add(slot, view, position, length, hash) : -1;
  }

  /** Lets the kernel intern a name of the linear memory; -1 when there is no room, or no kernel. */
  #internFast(position: number): number {
    const { record } = this.columns;
    const fast = record === undefined ? undefined : kernel();
    const count = this.size;
    if (fast === undefined || WORDS * count === this.#names.length || 2 * count >= this.#slots.length) return -1;
    return fast.intern(record!, position);
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
    return new Uint8Array(
      this.#store.buffer,
      this.#store.byteOffset + this.#names[WORDS * id + START]!,
      this.#names[WORDS * id + LENGTH]!,
    );
  }

  /** The hash that DT_GNU_HASH goes by (Bernstein's: h × 33 + c), unsigned. */
  gnuHash(id: number): number {
    const start = this.#names[WORDS * id + START]!;
    const end = start + this.#names[WORDS * id + LENGTH]!;
    let h = 5381;
    for (let at = start; at < end; at++) h = (Math.imul(h, 33) + this.#store.getUint8(at)) | 0;
    return h >>> 0;
  }

  /** Length of the name in bytes. */
  byteLength(id: number): number {
    return this.#names[WORDS * id + LENGTH]!;
  }

  /** True when the name begins with `prefix` (ASCII). */
  startsWith(id: number, prefix: string): boolean {
    if (this.#names[WORDS * id + LENGTH]! < prefix.length) return false;
    const start = this.#names[WORDS * id + START]!;
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
    this.#names = this.#names.slice(0, WORDS * count);
    this.#words = this.#words.slice();
    this.columns.dispose();
    this.#fillSlots(2 ** Math.ceil(Math.log2(2 * count + 2)));
  }

  /** Where a name is in the table, or belongs. */
  #slotOf(view: DataView, position: number, length: number, hash: number): number {
    const mask = this.#words[MASK]!;
    const tag = hash >>> SLOT_TAG_SHIFT;
    let slot = hash & mask;
    for (let word = this.#slots[slot]!; word !== 0; word = this.#slots[slot]!) {
      const id = (word & SLOT_ID) - 1;
      if (
        word >>> SLOT_TAG_SHIFT === tag &&
        this.#names[WORDS * id + HASH] === hash &&
        this.#names[WORDS * id + LENGTH] === length
      ) {
        if (this.#isSame(this.#names[WORDS * id + START]!, view, position, length)) return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #add(slot: number, view: DataView, position: number, length: number, hash: number): number {
    const words = this.#words;
    const id = words[COUNT]!;
    if (id >= SLOT_ID - 1) throw new Error(`more than ${SLOT_ID - 1} names`);
    this.#reserveBytes(length + SPARE);
    if (WORDS * id === this.#names.length) this.#makeNames(2 * id + 1);
    const begin = words[USED]!;
    for (let i = 0; i < length; i++) {
      const byte = view.getUint8(position + i);
      if (byte === VERSION_MARK) words[POOL_HAS_VERSIONS / 4] = 1;
      this.#store.setUint8(begin + i, byte);
    }
    this.#names[WORDS * id + HASH] = hash;
    this.#names[WORDS * id + START] = begin;
    this.#names[WORDS * id + LENGTH] = length;
    this.#slots[slot] = (id + 1) | ((hash >>> SLOT_TAG_SHIFT) << SLOT_TAG_SHIFT);
    words[COUNT] = id + 1;
    words[USED] = begin + length;
    if (2 * id > words[MASK]!) this.#rehash(id + 1);
    return id;
  }

  #isSame(start: number, view: DataView, position: number, length: number): boolean {
    const store = this.#store;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (store.getInt32(start + i, true) !== view.getInt32(position + i, true)) return false;
    }
    for (; i < length; i++) {
      if (store.getUint8(start + i) !== view.getUint8(position + i)) return false;
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
    const used = before && new Uint8Array(before.buffer, before.byteOffset, this.#words[USED]!);
    moveColumns(this.#storeBlock, [used], [bytes]);
    this.#storeBlock = block;
  }

  #makeNames(capacity: number): void {
    const names = this.#names;
    const block = this.columns.block(NAME_ENTRY_SIZE * capacity);
    this.#names = block.int32(WORDS * capacity, POOL_NAMES);
    this.#words[POOL_CAPACITY / 4] = capacity;
    moveColumns(this.#namesBlock, [names], [this.#names]);
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
      const hash = this.#names[WORDS * id + HASH]!;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = (id + 1) | ((hash >>> SLOT_TAG_SHIFT) << SLOT_TAG_SHIFT);
    }
  }
}

function hasZero(word: number): boolean {
  return ((word - 0x01010101) & ~word & 0x80808080) !== 0;
}

function mix(lane: number, word: number): number {
  const product = Math.imul(lane ^ word, HASH_FACTOR);
  return product ^ (product >>> 15);
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
