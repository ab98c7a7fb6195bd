import { closeSync } from "node:fs";
import { alignUp, hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection, unmapMemory } from "./mapping.ts";
import { createMemfd, punchHole } from "./memfd.ts";
import { detachView, viewMemory } from "./view.ts";

/** The largest slab: code of the small model reaches ±2 GiB, and displacements must stay below it. */
export const MAX_SLAB_SIZE = 2 ** 31 - PAGE_SIZE;

/**
 * A memfd mapped read-write in this process: the working memory of a slab. The same pages are mapped a second time,
 * with other protections, where the code will run (in an executor, or elsewhere in this process).
 */
export class SlabMemory {
  readonly size: number;
  readonly fd: number;
  /** Where it is mapped read-write in this process. */
  readonly address: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  #disposed = false;

  /**
   * `size` is rounded up to pages. Without `fd`, a memory file that another process made, a new one is created; the
   * descriptor is closed by dispose in both cases. Errors: code "memory".
   */
  constructor(size: number, fd?: number) {
    if (!(size > 0 && size <= MAX_SLAB_SIZE)) {
      throw new SlablinkError("memory", `slab size ${hex(size)} is not from 1 to ${hex(MAX_SLAB_SIZE)} bytes`);
    }
    this.size = alignUp(size, PAGE_SIZE);
    this.fd = fd ?? createMemfd("slablink-slab", this.size);
    try {
      const flags = MapFlag.shared | MapFlag.noReserve;
      const protection = Protection.read | Protection.write;
      this.address = mapMemory({ size: this.size, protection, flags, fd: this.fd });
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
    const buffer = viewMemory(this.address, this.size);
    this.view = new DataView(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Frees the whole pages inside [offset, offset + size): they read as zero from now on, in every mapping. */
  discard(offset: number, size: number): void {
    if (size > 0) punchHole(this.fd, offset, size);
  }

  /** Unmaps and closes; views fail with TypeError afterwards. Other processes keep what they have mapped. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const detached = detachView(this.view.buffer as ArrayBuffer);
    closeSync(this.fd);
    if (detached) unmapMemory(this.address, this.size);
  }
}
