import type { SlabMemory } from "../host/slab-memory.ts";
import type { WorkingMemory } from "./memory-mapper.ts";

/**
 * Working memory of a whole slab, one view for all of its allocations. Memory that was prepared before is cleared by
 * giving its pages back to the kernel; fresh memory, the usual case, costs nothing.
 */
export class SlabWorkingMemory implements WorkingMemory {
  readonly memory: SlabMemory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly base: number;
  /** Everything at or above has never been handed out. */
  #fresh: number;

  constructor(memory: SlabMemory, base: number) {
    this.memory = memory;
    this.view = memory.view;
    this.bytes = memory.bytes;
    this.base = base;
    this.#fresh = base;
  }

  prepare(address: number, size: number): WorkingMemory {
    if (address < this.#fresh) this.discard(address, Math.min(size, this.#fresh - address));
    this.#fresh = Math.max(this.#fresh, address + size);
    return this;
  }

  /** Gives the pages of a target range back; they read as zero. */
  discard(address: number, size: number): void {
    this.memory.discard(address - this.base, size);
  }
}
