import type { SlabMemory } from "../host/slab-memory.ts";
import type { WorkingMemory } from "./memory-mapper.ts";

/**
 * Hands out a slab's working memory. What was prepared before is cleared by giving its pages back to the kernel; fresh
 * memory, the usual case, costs nothing.
 */
export class SlabWorkingMemory {
  readonly memory: SlabMemory;
  readonly #base: number;
  /** Everything at or above has never been handed out. */
  #fresh: number;

  /** `base`: the slab's target address. */
  constructor(memory: SlabMemory, base: number) {
    this.memory = memory;
    this.#base = base;
    this.#fresh = base;
  }

  prepare(address: number, size: number): WorkingMemory {
    if (address < this.#fresh) this.discard(address, Math.min(size, this.#fresh - address));
    this.#fresh = Math.max(this.#fresh, address + size);
    const { offset, view, bytes } = this.memory.window(address - this.#base, size);
    return { view, bytes, base: this.#base + offset };
  }

  /** Gives the pages of a target range back; they read as zero. */
  discard(address: number, size: number): void {
    this.memory.discard(address - this.#base, size);
  }
}
