import { STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_FUNC, STT_GNU_IFUNC, SYM_SIZE } from "../formats/elf/constants.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import { SymbolName } from "../formats/elf/shared-library-hash.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { type Kernel, kernel } from "../kernel/kernel.ts";
import { EXPORTS_BYTES } from "../kernel/record.ts";
import type { AnchorExports } from "../link/anchor.ts";
import { type DynamicSymbolPlace, writeDynamicSymbol } from "../link/dynamic-symbol.ts";
import { HashedNames } from "./hashed-names.ts";
import type { LinkJob } from "./link-job.ts";

/**
 * What a job exports, made once for all that ask for it: its definitions of default or protected visibility, as an executable linked
 * with -rdynamic would export them.
 */
export class ExportsOfJob implements AnchorExports {
  /** Identifiers of the names, in ascending order. */
  readonly ids: Int32Array;
  readonly nameBytes: number;
  readonly #job: LinkJob;
  /** Made when somebody looks for the names in libraries. */
  #hashed: HashedNames | undefined;

  constructor(job: LinkJob) {
    this.#job = job;
    const { tables, resolution } = job;
    const { pool, columns } = tables;
    // Another job may be adding names to the pool meanwhile.
    const names = Math.min(pool.size, resolution.definition.length);
    const fast = this.#kernel();
    if (fast !== undefined) {
      const block = columns.block(4 * names + 8);
      const ids = block.int32(names);
      const count = fast.listExports(columns.record!, pool.columns.record!, names, ids.byteOffset);
      this.ids = ids.subarray(0, count);
      this.nameBytes = columns.words[EXPORTS_BYTES / 4]!;
      return;
    }
    const ids: number[] = [];
    for (let id = 0; id < names; id++) if (isExported(job, id)) ids.push(id);
    this.ids = Int32Array.from(ids);
    this.nameBytes = ids.reduce((sum, id) => sum + pool.byteLength(id), 0);
  }

  get count(): number {
    return this.ids.length;
  }

  /** Whether the library defines one of the names, weak definitions of which count or not. */
  areIn(library: SharedLibrary, countWeak: boolean): boolean {
    const { tables, resolution } = this.#job;
    this.#hashed ??= HashedNames.of(this.ids, tables.pool, tables.columns);
    const candidates = this.#hashed?.candidates(library);
    const count = candidates?.length ?? this.count;
    for (let i = 0; i < count; i++) {
      const id = this.ids[candidates?.[i] ?? i]!;
      const binding = (tables.symbols.info[resolution.definition[id]! - 1]! >> 4) & 0xf;
      if ((countWeak || binding !== STB_WEAK) && library.find(new SymbolName(tables.pool.bytes(id))) !== 0) return true;
    }
    return false;
  }

  write(view: DataView, place: DynamicSymbolPlace): number {
    const { tables, resolution } = this.#job;
    const { pool, columns, symbols, graphs, record } = tables;
    const fast = record === undefined || view.buffer !== columns.buffer ? undefined : this.#kernel();
    if (fast !== undefined) {
      const { symbols: entries, first, strings, used, buckets, bucketCount } = place;
      const { ids, count } = this;
      const own = [record!, pool.columns.record!, graphs.length, ids.byteOffset, count] as const;
      return fast.writeExports(...own, entries, first, strings, used, buckets, bucketCount);
    }
    let { used } = place;
    this.ids.forEach((id, i) => {
      const row = resolution.definition[id]! - 1;
      const info = symbols.info[row]!;
      const graph = resolution.graphOfRow(row);
      const type = info & 0xf;
      // A unique symbol in an object that can be unloaded would pin it for ever, so it is exported as global.
      const binding = (info >> 4) & 0xf;
      used = writeDynamicSymbol(
        view,
        { ...place, first: place.first + i, used },
        {
          name: pool.bytes(id),
          info: ((binding === STB_GNU_UNIQUE ? STB_GLOBAL : binding) << 4) | (type === STT_GNU_IFUNC ? STT_FUNC : type),
          section: 1,
          value: symbols.value[row]!,
          size: 0,
        },
      );
      // Whatever the file says, with all its bits.
      const size = graph.reader.view.getBigUint64(
        graph.symbolEntries + SYM_SIZE * (row - graph.firstSymbol) + 16,
        true,
      );
      view.setBigUint64(place.symbols + SYM_SIZE * (place.first + i) + 16, size, true);
    });
    return used;
  }

  #kernel(): Kernel | undefined {
    const { pool, columns } = this.#job.tables;
    const isNear = columns.record !== undefined && pool.columns.record !== undefined;
    return isNear && (this.ids === undefined || this.ids.buffer === columns.buffer) ? kernel() : undefined;
  }
}

function isExported({ tables, resolution }: LinkJob, id: number): boolean {
  const { symbols, sections } = tables;
  const row = resolution.definition[id]! - 1;
  if (row < 0 || resolution.invisible[id] !== 0) return false;
  const section = symbols.section[row]!;
  return section >= 0 ? sections.kind[section] !== SectionKind.none : section === SymbolPlace.absolute;
}

/** The exports of a job whose definitions are all known. */
export function exportsOf(job: LinkJob): ExportsOfJob {
  job.exports ??= new ExportsOfJob(job);
  return job.exports;
}
