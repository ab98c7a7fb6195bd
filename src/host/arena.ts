import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { alignUp, hex } from "../bytes/address.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { SlablinkError } from "../errors.ts";
import { type LinearMemory, linearMemory } from "./linear-memory.ts";
import {
  MapFlag,
  mapMemory,
  PAGE_SIZE,
  Protection,
  populateForReading,
  protectMemory,
  unmapMemory,
} from "./mapping.ts";
import { fileError } from "./system-error.ts";
import { detachView, MAX_VIEW_SIZE, viewMemory } from "./view.ts";

/** Address space of the first chunk: viewing more than 64 MiB makes V8 collect garbage (2 ms), before any work. */
const FIRST_CHUNK_SIZE = 24 * 2 ** 20;
/** Address space of further ones: inputs of any usual program fit. */
const CHUNK_SIZE = 1.5 * 2 ** 30;

/**
 * Files up to this size are read in place of being mapped: it takes half the time, and a process may have 65,530 mappings
 * (vm.max_map_count), which is fewer than some programs have objects.
 */
const READ_SIZE = 16 * 2 ** 10;

/** Files behind the first so many bytes are mapped page by page on another thread: that takes 0.16 ms for each MiB. */
const POPULATED_AT_ONCE = 4 * 2 ** 20;

interface Chunk {
  readonly address: number;
  readonly size: number;
  readonly view: DataView;
  used: number;
}

/**
 * Input files, mapped read-only into the linear memory, where the kernel reads them; what finds no room there goes into chunks that
 * are mapped and viewed for themselves. Mapping with MAP_POPULATE costs 0.4 ms where reading CPython's archive costs 6 ms, and one
 * view keeps the hot loops monomorphic. A file that another process truncates while it is mapped raises SIGBUS, as in every
 * linker that maps its inputs.
 */
export class FileArena {
  readonly #linear: LinearMemory | null;
  readonly #ranges: { readonly position: number; readonly size: number }[] = [];
  readonly #chunks: Chunk[] = [];
  readonly #firstChunkSize: number;
  readonly #chunkSize: number;
  /** Bytes of files in the linear memory. */
  #mapped = 0;
  #disposed = false;

  /**
   * Sizes of the first and of further chunks, in bytes; files larger than that get a chunk of their own. `linear`: where everything
   * goes that fits; null: nowhere.
   */
  constructor(
    firstChunkSize = FIRST_CHUNK_SIZE,
    chunkSize = CHUNK_SIZE,
    linear: LinearMemory | null = linearMemory() ?? null,
  ) {
    this.#firstChunkSize = alignUp(firstChunkSize, PAGE_SIZE);
    this.#chunkSize = alignUp(chunkSize, PAGE_SIZE);
    this.#linear = linear;
  }

  /** The whole file. Pipes and other things that cannot be mapped are read. Errors: code "file", path first. */
  map(path: string): ByteReader {
    this.#checkOpen(path);
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (cause) {
      throw fileError(path, cause);
    }
    try {
      const status = fstatSync(fd);
      if (!status.isFile() || status.size === 0) return this.place(readFileSync(fd), path);
      return this.#mapDescriptor(fd, status.size, path);
    } catch (cause) {
      throw cause instanceof SlablinkError ? cause : fileError(path, cause);
    } finally {
      closeSync(fd);
    }
  }

  /** Copies `bytes` (a generated or received object) in, so that it lies in the same view as the mapped files. */
  place(bytes: Uint8Array, name: string): ByteReader {
    this.#checkOpen(name);
    const position = this.#takeLinear(bytes.length);
    if (position !== undefined) {
      const { view, bytes: all } = this.#linear!;
      all.set(bytes, position);
      return new ByteReader(view, position, bytes.length, name);
    }
    const chunk = this.#room(bytes.length, name);
    const start = chunk.used;
    if (bytes.length > 0) {
      const address = chunk.address + start;
      protectMemory(address, bytes.length, Protection.read | Protection.write);
      new Uint8Array(chunk.view.buffer, start, bytes.length).set(bytes);
      protectMemory(address, bytes.length, Protection.read);
      chunk.used += alignUp(bytes.length, PAGE_SIZE);
    }
    return new ByteReader(chunk.view, start, bytes.length, name);
  }

  /** Unmaps everything: readers must not be used any more. Those of the linear memory see zeros, or what comes there next. */
  dispose(): void {
    this.#disposed = true;
    for (const { position, size } of this.#ranges.splice(0)) this.#linear!.give("inputs", position, size);
    for (const chunk of this.#chunks.splice(0)) {
      const detached = detachView(chunk.view.buffer as ArrayBuffer);
      unmapMemory(chunk.address, chunk.size);
      // A view that could not be detached must never fault: it reads zeros from here on.
      if (!detached) reserveReadable(chunk.address, chunk.size);
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #mapDescriptor(fd: number, size: number, path: string): ByteReader {
    const position = this.#takeLinear(size);
    if (size <= READ_SIZE) {
      if (position === undefined) return this.place(readFileSync(fd), path);
      // A file that shrinks meanwhile is as long as what could be read; the rest is zeros, as of a mapped file.
      readSync(fd, this.#linear!.bytes, position, size, 0);
      return new ByteReader(this.#linear!.view, position, size, path);
    }
    if (position !== undefined) {
      const address = this.#linear!.address + position;
      this.#mapped += size;
      if (this.#mapped <= POPULATED_AT_ONCE) mapFile(address, size, fd, path);
      else {
        mapFile(address, size, fd, path, 0);
        populateForReading(address, size);
      }
      return new ByteReader(this.#linear!.view, position, size, path);
    }
    const chunk = this.#room(size, path);
    const start = chunk.used;
    mapFile(chunk.address + start, size, fd, path);
    chunk.used += alignUp(size, PAGE_SIZE);
    return new ByteReader(chunk.view, start, size, path);
  }

  /** Room in the linear memory, which the arena gives back; undefined when there is none. */
  #takeLinear(size: number): number | undefined {
    if (size === 0) return undefined;
    const position = this.#linear?.take("inputs", size);
    if (position !== undefined) this.#ranges.push({ position, size });
    return position;
  }

  #room(size: number, name: string): Chunk {
    const needed = alignUp(size, PAGE_SIZE);
    const last = this.#chunks.at(-1);
    if (last && last.size - last.used >= needed) return last;
    if (needed > MAX_VIEW_SIZE) {
      throw new SlablinkError("file", `${name}: ${hex(size)} bytes are more than the ${hex(MAX_VIEW_SIZE)} supported`);
    }
    const chunkSize = Math.max(last ? this.#chunkSize : this.#firstChunkSize, needed);
    const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve;
    const address = mapMemory({ size: chunkSize, protection: Protection.none, flags });
    const chunk = { address, size: chunkSize, view: new DataView(viewMemory(address, chunkSize)), used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #checkOpen(name: string): void {
    if (this.#disposed) throw new SlablinkError("file", `${name}: the arena of input files has been disposed`);
  }
}

function mapFile(address: number, size: number, fd: number, path: string, populate: number = MapFlag.populate): void {
  const flags = MapFlag.private | MapFlag.fixed | populate;
  try {
    mapMemory({ address, size, protection: Protection.read, flags, fd });
  } catch (cause) {
    throw new SlablinkError("file", `${path}: ${(cause as Error).message}`, { cause });
  }
}

function reserveReadable(address: number, size: number): void {
  const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve | MapFlag.fixed;
  mapMemory({ address, size, protection: Protection.read, flags });
}
