import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import type { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import type { ColumnBlock, Columns } from "../kernel/columns.ts";
import { kernel } from "../kernel/kernel.ts";

/**
 * Names that are looked for in libraries, with their hashes of DT_GNU_HASH: the kernel tells which of them a library may have, and only
 * about those JavaScript has to ask.
 */
export class HashedNames {
  readonly #buffer: ArrayBuffer;
  readonly #count: number;
  readonly #block: ColumnBlock;
  readonly #hashes: number;
  readonly #out: Int32Array;

  private constructor(columns: Columns, count: number) {
    this.#buffer = columns.buffer!;
    this.#count = count;
    this.#block = columns.block(8 * count + 16);
    this.#hashes = this.#block.int32(count).byteOffset;
    this.#out = this.#block.int32(count);
  }

  /** Undefined where the kernel does not reach the names, or the identifiers `ids`. */
  static of(ids: Int32Array, pool: SymbolStringPool, columns: Columns): HashedNames | undefined {
    const isNear = columns.record !== undefined && pool.columns.record !== undefined && ids.buffer === columns.buffer;
    const fast = isNear ? kernel() : undefined;
    if (fast === undefined) return undefined;
    const names = new HashedNames(columns, ids.length);
    fast.hashNames(pool.columns.record!, ids.byteOffset, ids.length, names.#hashes);
    return names;
  }

  /** Positions of the names that the library may have, by its hash table, until the next call; undefined where that says nothing. */
  candidates({ gnuHash }: SharedLibrary): Int32Array | undefined {
    if (gnuHash === undefined || gnuHash.view.buffer !== this.#buffer) return undefined;
    const { position, symbolCount } = gnuHash;
    const found = kernel()!.filterByGnuHash(this.#hashes, this.#count, position, symbolCount, this.#out.byteOffset);
    return this.#out.subarray(0, found);
  }

  /** Gives the memory back. */
  release(): void {
    this.#block.release();
  }
}
