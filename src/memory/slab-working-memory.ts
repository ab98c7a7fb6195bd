import { type AddressRange, alignUp } from "../bytes/address.ts";
import { givesHugePages } from "../host/huge-pages.ts";
import { PAGE_SIZE } from "../host/mapping.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { takeWorkingMemory, type WorkBuffer } from "../host/work-buffer.ts";
import type { WorkingMemory } from "./memory-mapper.ts";
import { UsedPages } from "./used-pages.ts";

/**
 * Freed memory that a slab keeps to be used again, in bytes: writing zeros over pages takes a fifth of what the kernel needs to free
 * them and to find and clear others, page by page, when they are touched. More than that goes back to the kernel.
 */
const KEPT = 32 * 2 ** 20;

/**
 * So much fresh memory is prepared apart, in huge pages, and written to the slab's file when it is ready: a page of shared memory that is
 * touched costs several times what write(2) takes to fill it (docs/benchmarks.md), and huge ones are not to be had.
 */
const PREPARED_APART = 2 ** 20;
const WORD = 8;

/** So little of what has gone back is cleared in place, in bytes: a hole in the file takes longer. */
const CLEARED = 64 * 2 ** 10;

interface Apart {
  readonly address: number;
  readonly buffer: WorkBuffer;
}

/**
 * Hands out a slab's working memory, all of it zeros. Fresh memory, the usual case, costs nothing; what was in use before is
 * cleared, or given back to the kernel, which comes to the same.
 */
export class SlabWorkingMemory {
  readonly memory: SlabMemory;
  readonly #base: number;
  /** Everything at or above has never been handed out. */
  #fresh: number;
  /** Freed, and still there with its old contents. */
  readonly #kept = new UsedPages(KEPT);
  #apart: Apart[] = [];

  /** `base`: the slab's target address. */
  constructor(memory: SlabMemory, base: number) {
    this.memory = memory;
    this.#base = base;
    this.#fresh = base;
  }

  prepare(address: number, size: number): WorkingMemory {
    if (size >= PREPARED_APART && address >= this.#fresh && givesHugePages()) return this.#prepareApart(address, size);
    const { offset, view, bytes } = this.memory.window(address - this.#base, size);
    const base = this.#base + offset;
    if (address < this.#fresh) {
      const used = { start: address, end: Math.min(address + size, this.#fresh) };
      // Words, not bytes: the engine fills shared bytes one by one.
      const clear = ({ start, end }: AddressRange): void => {
        new Float64Array(bytes.buffer, bytes.byteOffset + start - base, (end - start) / WORD).fill(0);
      };
      const giveBack = (range: AddressRange): void => {
        if (range.end - range.start <= CLEARED) clear(range);
        else this.#giveBack(range);
      };
      let at = used.start;
      for (const range of this.#kept.take(used)) {
        giveBack({ start: at, end: range.start });
        clear(range);
        at = range.end;
      }
      giveBack({ start: at, end: used.end });
    }
    this.#fresh = Math.max(this.#fresh, address + size);
    return { view, bytes, base };
  }

  /** Makes a target range, whole pages, read as zero without touching its pages: for zero-fill that the slab's file holds. */
  clear(address: number, size: number): void {
    if (size === 0) return;
    if (address < this.#fresh) {
      const used = { start: address, end: Math.min(address + size, this.#fresh) };
      this.#kept.take(used);
      this.#giveBack(used);
    }
    this.#fresh = Math.max(this.#fresh, address + size);
  }

  /** Writes a target range that begins with a page; what is left of the last page becomes zero. */
  fill(address: number, bytes: Uint8Array): void {
    this.clear(address, alignUp(bytes.length, PAGE_SIZE));
    this.memory.write(address - this.#base, bytes);
  }

  /** Writes what was prepared of a target range to the slab, if it was prepared apart. */
  publish(address: number, size: number): void {
    const apart = this.#apartAt(address);
    if (apart === undefined) return;
    const { position, bytes } = apart.buffer;
    const start = position + address - apart.address;
    this.memory.write(address - this.#base, bytes.subarray(start, start + size));
  }

  /** What was prepared where `address` is has been published, or is not wanted any more. */
  settle(address: number): void {
    const apart = this.#apartAt(address);
    if (apart === undefined) return;
    this.#apart = this.#apart.filter((other) => other !== apart);
    apart.buffer.release();
  }

  dispose(): void {
    for (const { buffer } of this.#apart.splice(0)) buffer.release();
    this.memory.dispose();
  }

  /** Takes back a target range, whole pages, whose contents nobody needs any more. */
  discard(address: number, size: number): void {
    const range = { start: address, end: address + size };
    if (!this.#kept.add(range)) this.#giveBack(range);
  }

  #prepareApart(address: number, size: number): WorkingMemory {
    const buffer = takeWorkingMemory(size);
    this.#apart.push({ address, buffer });
    this.#fresh = address + size;
    const { view, bytes, position } = buffer;
    return { view, bytes, base: address - position, publish: (start, length) => this.publish(start, length) };
  }

  #apartAt(address: number): Apart | undefined {
    return this.#apart.find((apart) => address >= apart.address && address < apart.address + apart.buffer.size);
  }

  #giveBack({ start, end }: AddressRange): void {
    this.memory.discard(start - this.#base, end - start);
  }
}
