import { alignUp } from "../bytes/address.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { UsageError } from "../errors.ts";
import { discardSharedPages, PAGE_SIZE } from "../host/mapping.ts";
import { SlabMemory } from "../host/slab-memory.ts";
import { mapInExecutor, unmapInExecutor } from "../memory/map-in-executor.ts";
import { Heap } from "./heap.ts";
import { HeapChunk } from "./heap-chunk.ts";
import type { HeapSource } from "./heap-source.ts";
import { SharedWindows } from "./shared-windows.ts";
import type { TypedArray, TypedArrayConstructor, TypedArrayOf } from "./typed-array.ts";

/**
 * Where it begins: 96 TiB, far from all that the kernel maps by itself in a process (libraries and mmap(2) from below 128 TiB downwards,
 * executables from 85 TiB or 4 MiB upwards), so that it is free in all of them.
 */
const FIRST_ADDRESS = 0x6000_0000_0000;

/** A process that has the memory, or is to have it. */
export interface CommonMemoryUser {
  readonly epc: ExecutorProcessControl;
  readonly sharesMemory: boolean;
  readonly memory: { readonly windows: SharedWindows };
}

interface CommonChunk {
  readonly chunk: HeapChunk;
  readonly file: SlabMemory;
}

/** Memory that this process and several executors use together at run time, at the same address in each of them. */
export class CommonMemory {
  readonly #windows = new SharedWindows(() => undefined);
  /** What each has mapped, or is about to map. */
  readonly #users = new Map<CommonMemoryUser, Map<CommonChunk, Promise<void>>>();
  readonly #chunks = new Map<HeapChunk, CommonChunk>();
  readonly #heap: Heap;
  #next = FIRST_ADDRESS;

  constructor() {
    const windows = this.#windows;
    const source: HeapSource = {
      reserve: (size) => this.#reserve(size),
      release: (chunk) => this.#release(chunk),
    };
    this.#heap = new Heap(windows, source);
  }

  /** Gives it to an executor, until that one ends. Errors: code "memory" where its addresses are in use there. */
  async join(user: CommonMemoryUser): Promise<void> {
    this.#users.set(user, new Map());
    const forget = (): void => void this.#users.delete(user);
    user.epc.ended.then(forget, forget);
    for (const chunk of this.#chunks.values()) await this.#map(user, chunk);
  }

  /** As `ExecutionSession.allocate`. Errors: UsageError where memory is not shared. */
  async allocate<C extends TypedArrayConstructor>(type: C, length: number): Promise<TypedArrayOf<C>> {
    for (const { sharesMemory, epc } of this.#users.keys()) {
      if (!sharesMemory || epc.kind !== "remote" || epc.isLocal !== true) {
        throw new UsageError("memory for all executors has to be shared with them, and these get theirs in messages");
      }
    }
    return (await this.#heap.allocate(type, length)) as TypedArrayOf<C>;
  }

  /** Takes back an array that `allocate` gave. Errors: UsageError for any other. */
  free(array: TypedArray): Promise<void> {
    return this.#heap.free(array);
  }

  /** The executors have ended: no array has elements any more. */
  close(): void {
    this.#windows.detach({ start: 0, end: Number.POSITIVE_INFINITY });
    for (const { file } of this.#chunks.values()) file.dispose();
    this.#chunks.clear();
  }

  async #reserve(size: number): Promise<HeapChunk> {
    const file = new SlabMemory(size, undefined, null);
    const start = this.#next;
    const range = { start, end: start + alignUp(size, PAGE_SIZE) };
    this.#next = range.end;
    this.#windows.add({ ...range, localAddress: file.address });
    const chunk = new HeapChunk(range, {
      fill: (address, bytes) => {
        const { buffer, byteOffset } = this.#windows.window(address, bytes)!;
        new Uint8Array(buffer, byteOffset, bytes).fill(0);
      },
      giveBack: (address, bytes) => discardSharedPages(address - start + file.address, bytes),
    });
    const common = { chunk, file };
    this.#chunks.set(chunk, common);
    try {
      await Promise.all([...this.#users.keys()].map((user) => this.#map(user, common)));
    } catch (error) {
      await this.#release(chunk);
      throw error;
    }
    return chunk;
  }

  async #release(chunk: HeapChunk): Promise<void> {
    const common = this.#chunks.get(chunk)!;
    const { start } = chunk.range;
    this.#chunks.delete(chunk);
    this.#windows.detach(chunk.range);
    const releasing = [...this.#users].map(async ([user, mapped]) => {
      const mapping = mapped.get(common);
      mapped.delete(common);
      // One that has ended, or has never had it, has nothing to give back.
      await mapping?.then(() => unmapInExecutor(user.epc, start)).catch(() => {});
    });
    await Promise.all(releasing);
    common.file.dispose();
  }

  /** Errors: as of `join`; an executor that ends meanwhile is none. */
  async #map(user: CommonMemoryUser, common: CommonChunk): Promise<void> {
    const mapped = this.#users.get(user);
    if (mapped === undefined) return;
    let mapping = mapped.get(common);
    if (mapping === undefined) {
      mapping = mapInExecutor(user.epc, common.chunk.range.start, common.file);
      mapped.set(common, mapping);
      user.memory.windows.share(this.#windows);
    }
    try {
      await mapping;
    } catch (error) {
      if (this.#users.has(user)) throw error;
    }
  }
}
