import { alignUp } from "../bytes/address.ts";
import { type LinearMemory, linearMemory } from "../host/linear-memory.ts";
import { PAGE_SIZE } from "../host/mapping.ts";
import { kernel } from "./kernel.ts";
import { RECORD_SIZE } from "./record.ts";

interface Range {
  readonly position: number;
  readonly size: number;
}

/** Small blocks share so many bytes, of which a small job touches few pages: these stay when it is over, and the next one finds them. */
const SHARED_SIZE = 64 * 2 ** 10;
/** Blocks of so many bytes are not small. */
const LARGE = SHARED_SIZE / 4;
/** Where blocks begin: at lines of the processor's cache. */
const ALIGNMENT = 64;

/** Ranges go back to the linear memory when nobody can reach the tables any more. */
const registry = new FinalizationRegistry<{ linear: LinearMemory; ranges: Set<Range> }>(({ linear, ranges }) => {
  for (const { position, size } of ranges) linear.give("tables", position, size);
});

/**
 * Memory of one set of packed tables: in the linear memory, where the kernel reaches it, as long as that has room, else in arrays of
 * their own. Each table takes one block for all its columns and a larger one when it grows.
 */
export class Columns {
  readonly #linear: LinearMemory | undefined;
  readonly #ranges = new Set<Range>();
  /** What small blocks are cut from, one behind the other. */
  #shared: Range | undefined;
  #sharedUsed = 0;
  /** Position of the record that tells the kernel where the columns are; undefined when they are out of its reach. */
  record: number | undefined;
  /** The record, or an array that stands for it. */
  words: Int32Array = new Int32Array(RECORD_SIZE / 4);

  /** Buffer of the linear memory. */
  get buffer(): ArrayBuffer | undefined {
    return this.#linear?.buffer;
  }

  /** `linear`: where the columns go while it has room; null: nowhere. */
  constructor(linear: LinearMemory | null = linearMemory() ?? null) {
    this.#linear = linear ?? undefined;
    if (linear === null) return;
    registry.register(this, { linear, ranges: this.#ranges }, this);
    const position = linear.take("tables", SHARED_SIZE);
    if (position === undefined) return;
    this.#shared = { position, size: SHARED_SIZE };
    this.#ranges.add(this.#shared);
    this.record = this.#take(RECORD_SIZE);
    this.words = new Int32Array(linear.buffer, position, RECORD_SIZE / 4);
  }

  /** Bytes of address space that a table may take ahead of its need, so that as many jobs again find room beside this one. */
  get spare(): number {
    return this.record === undefined ? 0 : this.#linear!.room("tables") / 16;
  }

  /** Gives all of it back at once; what is still wanted has been copied. Blocks from now on lie apart. */
  dispose(): void {
    this.words = this.words.slice();
    registry.unregister(this);
    if (this.#shared !== undefined) {
      this.#ranges.delete(this.#shared);
      this.#linear!.give("tables", this.#shared.position, SHARED_SIZE, this.#sharedUsed);
      this.#shared = undefined;
    }
    for (const { position, size } of joined(this.#ranges)) this.#linear!.give("tables", position, size);
    this.#ranges.clear();
    this.record = undefined;
  }

  /** A block of `size` zeroed bytes for columns. */
  block(size: number): ColumnBlock {
    return this.#smallBlock(size) ?? this.#largeBlock(size);
  }

  #smallBlock(size: number): ColumnBlock | undefined {
    const position = this.#take(size);
    if (position === undefined) return undefined;
    let isTaken = true;
    const release = (): void => {
      if (isTaken) this.#giveBack(position, size);
      isTaken = false;
    };
    return new ColumnBlock(this.#linear!.buffer, position, this.words, release);
  }

  #largeBlock(size: number): ColumnBlock {
    const position = this.record === undefined ? undefined : this.#linear?.take("tables", size);
    const linear = this.#linear;
    if (linear === undefined || position === undefined) {
      // What lies apart once does so for good: the kernel wants all or nothing.
      this.record = undefined;
      return new ColumnBlock(new ArrayBuffer(size), 0, undefined, () => {});
    }
    const range = { position, size };
    this.#ranges.add(range);
    const release = (): void => {
      if (this.#ranges.delete(range)) linear.give("tables", position, size);
    };
    return new ColumnBlock(linear.buffer, position, this.words, release);
  }

  /** Position of a small block; undefined when there is no room for it beside the others. */
  #take(size: number): number | undefined {
    const end = this.#sharedUsed + alignUp(size, ALIGNMENT);
    if (this.#shared === undefined || size >= LARGE || end > SHARED_SIZE) return undefined;
    const position = this.#shared.position + this.#sharedUsed;
    this.#sharedUsed = end;
    return position;
  }

  /** The last of the small blocks makes room; others do so together with all. */
  #giveBack(position: number, size: number): void {
    if (this.#shared === undefined || position + alignUp(size, ALIGNMENT) !== this.#shared.position + this.#sharedUsed)
      return;
    this.#sharedUsed = position - this.#shared.position;
    new Float64Array(this.#linear!.buffer, position, alignUp(size, ALIGNMENT) / 8).fill(0);
  }
}

/** Ranges that lie next to each other are one: giving a range back is a system call. */
function joined(ranges: Iterable<Range>): Range[] {
  const whole: { position: number; size: number }[] = [];
  for (const { position, size } of [...ranges].sort((a, b) => a.position - b.position)) {
    const last = whole.at(-1);
    const pages = alignUp(size, PAGE_SIZE);
    if (last !== undefined && last.position + last.size === position) last.size += pages;
    else whole.push({ position, size: pages });
  }
  return whole;
}

/** A column of any of the kinds that a block has. */
export type Column = Int32Array | Float64Array | Uint16Array | Uint8Array;

/** Copies columns into those of a larger block, and gives up the block that they were in; nothing when there was none. */
export function moveColumns(before: ColumnBlock | undefined, from: readonly Column[], to: readonly Column[]): void {
  if (before === undefined) return;
  from.forEach((column, i) => {
    const larger = to[i]!;
    const fast = column.buffer === larger.buffer ? kernel() : undefined;
    // The engine copies between arrays of shared memory word by word.
    if (fast !== undefined) fast.moveBytes(larger.byteOffset, column.byteOffset, column.byteLength);
    else larger.set(column);
  });
  before.release();
}

/** Replaces the columns of a table by arrays of their own, just large enough for `count` rows. */
export function detachColumns<Name extends string>(
  table: Record<Name, Column>,
  names: readonly Name[],
  count: number,
): void {
  for (const name of names) table[name] = table[name].slice(0, count);
}

/** A block of memory that columns are cut from, one after the other, aligned for their elements. */
export class ColumnBlock {
  readonly #buffer: ArrayBuffer;
  readonly #words: Int32Array | undefined;
  /** Gives the block up; its columns must not be used any more. */
  readonly release: () => void;
  /** Where the block begins in its buffer. */
  readonly position: number;
  #at: number;

  constructor(buffer: ArrayBuffer, at: number, words: Int32Array | undefined, release: () => void) {
    this.#buffer = buffer;
    this.position = at;
    this.#at = at;
    this.#words = words;
    this.release = release;
  }

  int32(length: number, field?: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#buffer, this.#take(4 * length, field), length);
  }

  float64(length: number, field?: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#buffer, this.#take(8 * length, field), length);
  }

  uint16(length: number, field?: number): Uint16Array<ArrayBuffer> {
    return new Uint16Array(this.#buffer, this.#take(2 * length, field), length);
  }

  uint8(length: number, field?: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#take(length, field), length);
  }

  /** Notes the column's position in the record's word at byte `field`. */
  #take(size: number, field: number | undefined): number {
    const position = this.#at;
    this.#at = alignUp(position + size, 8);
    if (this.#words !== undefined && field !== undefined) this.#words[field / 4] = position;
    return position;
  }
}
