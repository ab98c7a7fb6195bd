import { alignUp, hex } from "../bytes/address.ts";
import { SlablinkError, UsageError } from "../errors.ts";
import { PAGE_SIZE } from "../host/mapping.ts";
import { MAX_SLAB_SIZE } from "../host/slab-memory.ts";
import type { ExecutorMemory } from "./executor-memory.ts";
import { CACHE_LINE, type HeapChunk } from "./heap-chunk.ts";
import type { HeapSource } from "./heap-source.ts";
import { isRemoteArray, makeRemoteArray, type RemoteArray } from "./remote-array.ts";
import { SharedWindows } from "./shared-windows.ts";
import { byteSizeOf, makeArray, type TypedArrayConstructor, type TypedArrayOf } from "./typed-array.ts";

/** Address space for many arrays; pages are used as they are touched. */
const CHUNK_SIZE = 16 * 2 ** 20;
/** What is larger has a chunk of its own, which goes back to the system when it is freed. */
const SHARES_A_CHUNK = CHUNK_SIZE / 4;

/** Memory that a program and this process use together at run time: typed arrays, zero at first, until they are freed or the session ends. */
export class Heap {
  readonly #memory: ExecutorMemory | SharedWindows;
  readonly #source: HeapSource;
  readonly #chunks: HeapChunk[] = [];
  /** By address. */
  readonly #allocated = new Map<number, { chunk: HeapChunk; size: number }>();
  /** A chunk that is on its way. */
  #reserving: Promise<HeapChunk> | undefined;

  /** `memory`: knows of all that the source reserves; or of nothing, if that is not shared, and is an executor's then. */
  constructor(memory: ExecutorMemory | SharedWindows, source: HeapSource) {
    this.#memory = memory;
    this.#source = source;
  }

  /**
   * `length` elements, all zero, at a multiple of 64. Where memory is not shared a `RemoteArray` stands for them. Errors: RangeError for a
   * length that no array has, code "memory" when the system has no more.
   */
  async allocate<C extends TypedArrayConstructor>(type: C, length: number): Promise<TypedArrayOf<C> | RemoteArray<C>> {
    const bytes = byteSizeOf(type, length);
    if (bytes > MAX_SLAB_SIZE) {
      throw new RangeError(
        `${type.name} of length ${length}: ${hex(bytes)} bytes, at most ${hex(MAX_SLAB_SIZE)} in one array`,
      );
    }
    const size = alignUp(Math.max(bytes, 1), CACHE_LINE);
    const { chunk, address } = size > SHARES_A_CHUNK ? await this.#takeOwn(size) : await this.#take(size);
    this.#allocated.set(address, { chunk, size });
    const window = this.#memory.window(address, size);
    if (window !== undefined) return makeArray(type, window.buffer, window.byteOffset, length);
    if (this.#memory instanceof SharedWindows)
      throw new SlablinkError("memory", `there is no memory at ${hex(address)}`);
    return makeRemoteArray(this.#memory, address, type, length);
  }

  /**
   * Gives back the memory of an array that `allocate` gave. A large array has no elements afterwards; a small one must not be used, since its
   * memory may be another's. Errors: UsageError for any other array.
   */
  async free(array: ArrayBufferView | RemoteArray<TypedArrayConstructor>): Promise<void> {
    const address = this.#addressOf(array);
    const allocated = address === undefined ? undefined : this.#allocated.get(address);
    if (address === undefined || allocated === undefined) {
      const where =
        address === undefined ? "is none of the executor's memory" : `at ${hex(address)} is in use elsewhere`;
      throw new UsageError(`only what allocate gave can be freed, once: the array ${where}`);
    }
    this.#allocated.delete(address);
    const { chunk, size } = allocated;
    chunk.free(address, size);
    if (size <= SHARES_A_CHUNK) return;
    await this.#source.release(chunk);
  }

  /** Gives back everything. */
  async close(): Promise<void> {
    const own = [...this.#allocated.values()].filter(({ size }) => size > SHARES_A_CHUNK).map(({ chunk }) => chunk);
    this.#allocated.clear();
    for (const chunk of [...this.#chunks.splice(0), ...own]) await this.#source.release(chunk);
  }

  #addressOf(array: ArrayBufferView | RemoteArray<TypedArrayConstructor>): number | undefined {
    if (!(this.#memory instanceof SharedWindows)) return this.#memory.addressOf(array);
    return isRemoteArray(array) ? undefined : this.#memory.addressOf(array);
  }

  async #takeOwn(size: number): Promise<{ chunk: HeapChunk; address: number }> {
    const chunk = await this.#source.reserve(alignUp(size, PAGE_SIZE));
    return { chunk, address: (await chunk.allocate(size))! };
  }

  async #take(size: number): Promise<{ chunk: HeapChunk; address: number }> {
    for (;;) {
      for (const chunk of this.#chunks) {
        const address = chunk.allocate(size);
        if (address !== undefined) return { chunk, address: typeof address === "number" ? address : await address };
      }
      // Whoever waits for the same chunk looks again.
      this.#reserving ??= this.#source.reserve(CHUNK_SIZE).finally(() => {
        this.#reserving = undefined;
      });
      const chunk = await this.#reserving;
      if (!this.#chunks.includes(chunk)) this.#chunks.push(chunk);
    }
  }
}
