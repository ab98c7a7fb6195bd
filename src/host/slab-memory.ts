import { closeSync } from "node:fs";
import { alignUp, hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection, unmapMemory } from "./mapping.ts";
import { createMemfd, punchHole } from "./memfd.ts";
import { detachView, viewMemory } from "./view.ts";

/** The largest slab: code of the small model reaches ±2 GiB, and displacements must stay below it. */
export const MAX_SLAB_SIZE = 2 ** 31 - PAGE_SIZE;

/** Bytes that are viewed at once: what V8 accounts as external memory must stay well below 64 MiB. */
const WINDOW_SIZE = 24 * 2 ** 20;

/** A view of a part of a slab: the byte at slab offset o is at index o − offset of both. */
export interface MemoryWindow {
  readonly offset: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/**
 * A memfd mapped read-write in this process: the working memory of a slab. The same pages are mapped a second time,
 * with other protections, where the code will run (in an executor, or elsewhere in this process).
 */
export class SlabMemory {
  readonly size: number;
  readonly fd: number;
  /** Where it is mapped read-write in this process. */
  readonly address: number;
  readonly #buffers: ArrayBuffer[] = [];
  #window: MemoryWindow | undefined;
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
  }

  /** All of it. Viewing more than 64 MiB makes V8 collect garbage (2 ms): use `window` for parts. */
  get view(): DataView {
    return this.window(0, this.size).view;
  }

  get bytes(): Uint8Array {
    return this.window(0, this.size).bytes;
  }

  /** A view that holds [offset, offset + size): the last one if it does, else a new one of at least 24 MiB. */
  window(offset: number, size: number): MemoryWindow {
    if (this.#disposed || offset < 0 || offset + size > this.size) {
      const state = this.#disposed ? "has been disposed" : `has ${hex(this.size)}`;
      throw new SlablinkError("memory", `no view of ${hex(size)} bytes at ${hex(offset)}: the slab ${state}`);
    }
    const last = this.#window;
    if (last && offset >= last.offset && offset + size <= last.offset + last.bytes.length) return last;
    const length = Math.min(Math.max(size, WINDOW_SIZE), this.size - offset);
    const buffer = viewMemory(this.address + offset, length);
    this.#buffers.push(buffer);
    this.#window = { offset, view: new DataView(buffer), bytes: new Uint8Array(buffer) };
    return this.#window;
  }

  /** Frees the whole pages inside [offset, offset + size): they read as zero from now on, in every mapping. */
  discard(offset: number, size: number): void {
    if (size > 0) punchHole(this.fd, offset, size);
  }

  /** Unmaps and closes; views fail with TypeError afterwards. Other processes keep what they have mapped. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const detached = this.#buffers.map(detachView).every(Boolean);
    closeSync(this.fd);
    if (detached) unmapMemory(this.address, this.size);
  }
}
