import { STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_FUNC, STT_GNU_IFUNC } from "../formats/elf/constants.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import { SymbolName } from "../formats/elf/shared-library-hash.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { AnchorExports } from "../link/anchor.ts";
import type { LinkJob } from "./link-job.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/**
 * The job's definitions of default or protected visibility: what an executable linked with -rdynamic would export. Made once for
 * all that ask for it, two numbers each: what else there is to know is read from the job's tables.
 */
export class ExportsOfJob implements AnchorExports {
  readonly count: number;
  readonly nameBytes: number;
  /** By number of an export: identifier of its name. */
  readonly ids: Int32Array;
  readonly #rows: Int32Array;
  readonly #tables: GraphTables;
  readonly #resolution: SymbolResolution;
  /** By number of an export: the hash of its name that libraries are searched by. */
  #hashes: Uint32Array | undefined;

  constructor({ tables, resolution }: LinkJob) {
    this.#tables = tables;
    this.#resolution = resolution;
    const { symbols, sections, pool } = tables;
    const { definition, invisible } = resolution;
    // Another job may be adding names to the pool meanwhile.
    const names = Math.min(pool.size, definition.length);
    const ids = new Int32Array(names);
    const rows = new Int32Array(names);
    let count = 0;
    let nameBytes = 0;
    for (let id = 0; id < names; id++) {
      const row = definition[id]! - 1;
      if (row < 0 || invisible[id] !== 0) continue;
      const section = symbols.section[row]!;
      if (section >= 0 ? sections.kind[section] === SectionKind.none : section !== SymbolPlace.absolute) continue;
      ids[count] = id;
      rows[count++] = row;
      nameBytes += pool.byteLength(id);
    }
    this.count = count;
    this.nameBytes = nameBytes;
    this.ids = ids.subarray(0, count);
    this.#rows = rows;
  }

  nameLength(index: number): number {
    return this.#tables.pool.byteLength(this.ids[index]!);
  }

  copyName(index: number, target: Uint8Array, at: number): void {
    this.#tables.pool.copyTo(this.ids[index]!, target, at);
  }

  info(index: number): number {
    const info = this.#tables.symbols.info[this.#rows[index]!]!;
    const type = info & 0xf;
    // A unique symbol in an object that can be unloaded would pin it for ever, so it is exported as global.
    const binding = (info >> 4) & 0xf;
    return ((binding === STB_GNU_UNIQUE ? STB_GLOBAL : binding) << 4) | (type === STT_GNU_IFUNC ? STT_FUNC : type);
  }

  size(index: number): number {
    const row = this.#rows[index]!;
    const graph = this.#resolution.graphOfRow(row);
    return graph.symbolSize(row - graph.firstSymbol);
  }

  address(index: number): number {
    return this.#tables.symbols.value[this.#rows[index]!]!;
  }

  /** Whether a library defines one of the names; `strong`: one whose definition here is not weak. */
  anyIn(library: SharedLibrary, strong: boolean): boolean {
    const { pool, symbols } = this.#tables;
    const hashes = this.#allHashes;
    for (let index = 0; index < this.count; index++) {
      if (!library.mayDefine(hashes[index]!)) continue;
      if (strong && ((symbols.info[this.#rows[index]!]! >> 4) & 0xf) === STB_WEAK) continue;
      if (library.find(new SymbolName(pool.bytes(this.ids[index]!))) !== 0) return true;
    }
    return false;
  }

  get #allHashes(): Uint32Array {
    if (this.#hashes === undefined) {
      const { pool } = this.#tables;
      this.#hashes = new Uint32Array(this.count);
      for (let index = 0; index < this.count; index++) this.#hashes[index] = pool.gnuHash(this.ids[index]!);
    }
    return this.#hashes;
  }
}

const known = new WeakMap<LinkJob, ExportsOfJob>();

/** The exports of a job whose definitions are all known. */
export function exportsOf(job: LinkJob): ExportsOfJob {
  let exports = known.get(job);
  if (exports === undefined) {
    exports = new ExportsOfJob(job);
    known.set(job, exports);
  }
  return exports;
}
