import type { AddressRange } from "../bytes/address.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import type { WorkingMemory } from "./memory-mapper.ts";
import { UsedPages } from "./used-pages.ts";

/**
 * Freed memory that a slab keeps to be used again, in bytes: writing zeros over pages takes a fifth of what the kernel needs to free
 * them and to find and clear others, page by page, when they are touched. More than that goes back to the kernel.
 */
const KEPT = 32 * 2 ** 20;
const WORD = 8;

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

  /** `base`: the slab's target address. */
  constructor(memory: SlabMemory, base: number) {
    this.memory = memory;
    this.#base = base;
    this.#fresh = base;
  }

  prepare(address: number, size: number): WorkingMemory {
    const { offset, view, bytes } = this.memory.window(address - this.#base, size);
    const base = this.#base + offset;
    if (address < this.#fresh) {
      const used = { start: address, end: Math.min(address + size, this.#fresh) };
      let at = used.start;
      for (const { start, end } of this.#kept.take(used)) {
        this.#giveBack({ start: at, end: start });
        // Words, not bytes: the engine fills shared bytes one by one.
        new Float64Array(bytes.buffer, bytes.byteOffset + start - base, (end - start) / WORD).fill(0);
        at = end;
      }
      this.#giveBack({ start: at, end: used.end });
    }
    this.#fresh = Math.max(this.#fresh, address + size);
    return { view, bytes, base };
  }

  /** Takes back a target range, whole pages, whose contents nobody needs any more. */
  discard(address: number, size: number): void {
    const range = { start: address, end: address + size };
    if (!this.#kept.add(range)) this.#giveBack(range);
  }

  #giveBack({ start, end }: AddressRange): void {
    this.memory.discard(start - this.#base, end - start);
  }
}
