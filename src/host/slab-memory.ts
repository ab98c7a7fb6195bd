import { writeSync } from "node:fs";
import { alignUp, hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { type LinearMemory, linearMemory } from "./linear-memory.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection, unmapMemory } from "./mapping.ts";
import { createMemfd, punchHole } from "./memfd.ts";
import { closeNative } from "./native-descriptor.ts";
import { detachView, viewMemory } from "./view.ts";

/** The largest slab: code of the small model reaches ±2 GiB, and displacements must stay below it. */
export const MAX_SLAB_SIZE = 2 ** 31 - PAGE_SIZE;

/** Windows begin and end at multiples of this, so that jobs beside each other share one. */
const WINDOW_SIZE = 24 * 2 ** 20;

/**
 * A view of a part of a slab: the byte at slab offset o is at index o − offset of both. The offset is negative where the window lies
 * further back in the linear memory than in the slab.
 */
export interface MemoryWindow {
  /** Slab offset of index 0. */
  readonly offset: number;
  /** To write numbers. */
  readonly view: DataView;
  /** The same bytes. */
  readonly bytes: Uint8Array;
}

/** A window and the part of the slab that it holds; in the linear memory if it has a position. */
interface MappedWindow extends MemoryWindow {
  readonly start: number;
  readonly end: number;
  readonly position: number | undefined;
}

/**
 * A memfd mapped read-write in this process: the working memory of a slab. The same pages are mapped a second time,
 * with other protections, where the code will run (in an executor, or elsewhere in this process).
 */
export class SlabMemory {
  /** Bytes, whole pages. */
  readonly size: number;
  /** Descriptor of the memfd, closed by `dispose`. */
  readonly fd: number;
  /** Where it is mapped read-write in this process. */
  readonly address: number;
  readonly #linear: LinearMemory | null;
  readonly #buffers: ArrayBuffer[] = [];
  #windows: MappedWindow[] = [];
  #disposed = false;

  /**
   * `size` is rounded up to pages. Without `fd`, a memory file that another process made, a new one is created; the
   * descriptor is closed by dispose in both cases. `linear`: where windows are mapped while it has room; null: nowhere. Errors: code "memory".
   */
  constructor(size: number, fd?: number, linear: LinearMemory | null = linearMemory() ?? null) {
    if (!(size > 0 && size <= MAX_SLAB_SIZE)) {
      throw new SlablinkError("memory", `slab size ${hex(size)} is not from 1 to ${hex(MAX_SLAB_SIZE)} bytes`);
    }
    this.#linear = linear;
    this.size = alignUp(size, PAGE_SIZE);
    this.fd = fd ?? createMemfd("slablink-slab", this.size);
    try {
      const flags = MapFlag.shared | MapFlag.noReserve;
      const protection = Protection.read | Protection.write;
      this.address = mapMemory({ size: this.size, protection, flags, fd: this.fd });
    } catch (error) {
      closeNative(this.fd);
      throw error;
    }
  }

  /** All of it. Viewing more than 64 MiB makes V8 collect garbage (2 ms): use `window` for parts. */
  get view(): DataView {
    return new DataView(this.#viewAll());
  }

  /** All of it as one view. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#viewAll());
  }

  /** A view that holds [offset, offset + size). */
  window(offset: number, size: number): MemoryWindow {
    this.#check(offset, size);
    const known = this.#windows.find(({ start, end }) => offset >= start && offset + size <= end);
    if (known !== undefined) return known;
    const start = Math.floor(offset / WINDOW_SIZE) * WINDOW_SIZE;
    const end = Math.min(alignUp(offset + size, WINDOW_SIZE), this.size);
    const window = this.#mapLinear(start, end) ?? this.#viewPart(start, end);
    this.#windows.push(window);
    return window;
  }

  /** Writes to the slab without touching pages of it in this process. Errors: code "memory" when the system has no more. */
  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.fd, bytes, done, bytes.length - done, offset + done);
      }
    } catch (cause) {
      const what = `cannot write ${hex(bytes.length)} bytes of the slab at ${hex(offset)}`;
      throw new SlablinkError("memory", `${what}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Frees the whole pages inside [offset, offset + size): they read as zero from now on, in every mapping. */
  discard(offset: number, size: number): void {
    if (size > 0) punchHole(this.fd, offset, size);
  }

  /** Unmaps and closes; views fail with TypeError afterwards. Other processes keep what they have mapped. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { start, end, position } of this.#windows.splice(0)) {
      if (position !== undefined) this.#linear!.give("work", position, end - start);
    }
    const detached = this.#buffers.map(detachView).every(Boolean);
    closeNative(this.fd);
    if (detached) unmapMemory(this.address, this.size);
  }

  #check(offset: number, size: number): void {
    if (this.#disposed || offset < 0 || offset + size > this.size) {
      const state = this.#disposed ? "has been disposed" : `has ${hex(this.size)}`;
      throw new SlablinkError("memory", `no view of ${hex(size)} bytes at ${hex(offset)}: the slab ${state}`);
    }
  }

  #mapLinear(start: number, end: number): MappedWindow | undefined {
    const linear = this.#linear;
    const position = linear?.take("work", end - start);
    if (linear === null || position === undefined) return undefined;
    const flags = MapFlag.shared | MapFlag.noReserve | MapFlag.fixed;
    const protection = Protection.read | Protection.write;
    mapMemory({ address: linear.address + position, size: end - start, protection, flags, fd: this.fd, offset: start });
    return { offset: start - position, view: linear.view, bytes: linear.bytes, start, end, position };
  }

  #viewPart(start: number, end: number): MappedWindow {
    const buffer = viewMemory(this.address + start, end - start);
    this.#buffers.push(buffer);
    const view = new DataView(buffer);
    return { offset: start, view, bytes: new Uint8Array(buffer), start, end, position: undefined };
  }

  #viewAll(): ArrayBuffer {
    this.#check(0, this.size);
    const buffer = viewMemory(this.address, this.size);
    this.#buffers.push(buffer);
    return buffer;
  }
}
