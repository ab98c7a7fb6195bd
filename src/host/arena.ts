import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { alignUp, hex } from "../bytes/address.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { SlablinkError } from "../errors.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection, protectMemory, unmapMemory } from "./mapping.ts";
import { fileError } from "./system-error.ts";
import { detachView, MAX_VIEW_SIZE, viewMemory } from "./view.ts";

/**
 * Address space of one chunk: all inputs of a usual program share a view. V8 takes the size of a view for memory that is
 * in use; one of 1.5 GiB made it collect garbage throughout the link (10 % of the CPU time of an empty program's run).
 */
const CHUNK_SIZE = 16 * 2 ** 20;

interface Chunk {
  readonly address: number;
  readonly size: number;
  readonly view: DataView;
  used: number;
}

/**
 * Input files, mapped read-only side by side into one reservation that a single ArrayBuffer views. Mapping with
 * MAP_POPULATE costs 0.4 ms where reading CPython's archive costs 6 ms, and one view keeps the hot loops monomorphic.
 * A file that another process truncates while it is mapped raises SIGBUS, as in every linker that maps its inputs.
 */
export class FileArena {
  readonly #chunks: Chunk[] = [];
  readonly #chunkSize: number;
  #disposed = false;

  /** `chunkSize`: address space reserved at once, in bytes; larger files get a chunk of their own. */
  constructor(chunkSize = CHUNK_SIZE) {
    this.#chunkSize = alignUp(chunkSize, PAGE_SIZE);
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

  /** Unmaps everything; readers fail with TypeError ("detached ArrayBuffer") afterwards. */
  dispose(): void {
    this.#disposed = true;
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
    const chunk = this.#room(size, path);
    const start = chunk.used;
    const flags = MapFlag.private | MapFlag.fixed | MapFlag.populate;
    try {
      mapMemory({ address: chunk.address + start, size, protection: Protection.read, flags, fd });
    } catch (cause) {
      throw new SlablinkError("file", `${path}: ${(cause as Error).message}`, { cause });
    }
    chunk.used += alignUp(size, PAGE_SIZE);
    return new ByteReader(chunk.view, start, size, path);
  }

  #room(size: number, name: string): Chunk {
    const needed = alignUp(size, PAGE_SIZE);
    const last = this.#chunks.at(-1);
    if (last && last.size - last.used >= needed) return last;
    if (needed > MAX_VIEW_SIZE) {
      throw new SlablinkError("file", `${name}: ${hex(size)} bytes are more than the ${hex(MAX_VIEW_SIZE)} supported`);
    }
    const chunkSize = Math.max(this.#chunkSize, needed);
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

function reserveReadable(address: number, size: number): void {
  const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve | MapFlag.fixed;
  mapMemory({ address, size, protection: Protection.read, flags });
}
