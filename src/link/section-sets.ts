import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";

/** All sections of one C-identifier name, contiguous, with the addresses that `__start_NAME` and `__stop_NAME` stand for. */
export interface SectionSet {
  readonly name: number;
  readonly rows: number[];
  writable: boolean;
  executable: boolean;
  stripe: number;
  start: number;
  end: number;
}

/** Collects the sections of the names that somebody asks `__start_`/`__stop_` of. */
export class SectionSets {
  readonly #tables: GraphTables;
  readonly #wanted: ReadonlySet<number>;
  readonly #sets = new Map<number, SectionSet>();

  constructor(tables: GraphTables, wanted: ReadonlySet<number>) {
    this.#tables = tables;
    this.#wanted = wanted;
  }

  /** Takes the section if its name is wanted; then the set places it. */
  claims(row: number): boolean {
    const { sections, graphs, pool } = this.#tables;
    const kind = sections.kind[row]!;
    if (kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill) return false;
    const reader = graphs[sections.graph[row]!]!.reader;
    const name = sections.name[row]!;
    if (name === 0 || reader.view.getUint8(name) === 0x2e) return false;
    const id = pool.intern(reader.view, name, reader.start + reader.length);
    if (!this.#wanted.has(id)) return false;
    let set = this.#sets.get(id);
    if (set === undefined) {
      set = { name: id, rows: [], writable: false, executable: false, stripe: 0, start: 0, end: 0 };
      this.#sets.set(id, set);
    }
    set.rows.push(row);
    set.writable ||=
      kind === SectionKind.data ||
      kind === SectionKind.zeroFill ||
      kind === SectionKind.largeZeroFill ||
      kind === SectionKind.writableCode ||
      kind === SectionKind.functionArray;
    set.executable ||= kind === SectionKind.code || kind === SectionKind.writableCode;
    return true;
  }

  get(name: number): SectionSet | undefined {
    return this.#sets.get(name);
  }

  all(): IterableIterator<SectionSet> {
    return this.#sets.values();
  }
}

/** Names (identifiers) of the sections that have an address and a name that may be a C identifier: a set for each can be asked for. */
export function cNamedSections({ sections, graphs, pool }: GraphTables): Set<number> {
  const names = new Set<number>();
  for (let row = 0; row < sections.count; row++) {
    const kind = sections.kind[row]!;
    if (kind === SectionKind.none || kind === SectionKind.discarded) continue;
    if (kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill) continue;
    const at = sections.name[row]!;
    // Commons have no name.
    if (at === 0) continue;
    const { view, start, length } = graphs[sections.graph[row]!]!.reader;
    if (view.getUint8(at) !== 0x2e) names.add(pool.intern(view, at, start + length));
  }
  return names;
}
