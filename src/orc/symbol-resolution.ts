import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";

/** What is known about the references to a name: bits of `SymbolResolution.references`. */
export const Reference = { strong: 1, weak: 2, tls: 4, hidden: 8, plain: 16 } as const;

/** Two strong definitions of one name. */
export interface DuplicateDefinition {
  readonly id: number;
  readonly first: LinkGraph;
  readonly second: LinkGraph;
}

/** Where a definition can be had that is not part of the job yet: an archive member, or an object not asked for so far. */
export interface LazySource {
  /** Adds what defines the symbol at `index` of this source to the job; undefined when that is there already. */
  extract(index: number, id: number): LinkGraph | undefined;
}

/**
 * Who defines which name in a link job, by the rules of the gABI ("Symbol Table", binding) as linkers apply them: a strong
 * definition beats a common one beats a weak one; the first of equals wins; two strong ones are an error.
 */
export class SymbolResolution {
  readonly tables: GraphTables;
  /** By name identifier: row of the definition + 1, or 0. */
  definition = new Int32Array(16384);
  /** By name identifier: bits of `Reference`. */
  references = new Uint8Array(16384);
  readonly duplicates: DuplicateDefinition[] = [];
  /** Names that some object defines, or refers to, as thread-local. */
  readonly #threadLocals = new Set<number>();
  readonly #lazySources: LazySource[] = [];
  /** By name identifier: number of the lazy source + 1, and the index there. */
  #lazySource = new Int32Array(16384);
  #lazyIndex = new Int32Array(16384);
  /** Names with a strong reference that had no definition when it was seen. */
  readonly #wanted: number[] = [];
  readonly #commons = new Map<number, { size: number; alignment: number }>();

  constructor(tables: GraphTables) {
    this.tables = tables;
  }

  /** Registers what a graph defines and refers to. */
  add(graph: LinkGraph): void {
    this.#fit();
    const { symbols } = this.tables;
    const end = graph.firstSymbol + graph.symbolCount;
    for (let row = graph.firstSymbol + graph.localCount; row < end; row++) {
      const place = symbols.section[row]!;
      if (place === SymbolPlace.undefined || place === SymbolPlace.discarded) this.#refer(row);
      else this.#define(graph, row, place);
    }
  }

  /** Asks for a name by hand, as an entry point does. */
  want(id: number): void {
    this.#fit();
    this.references[id]! |= Reference.strong;
    this.#wanted.push(id);
  }

  addLazySource(source: LazySource): number {
    return this.#lazySources.push(source);
  }

  /** Says that `source` (a number from `addLazySource`) can define `id`; the first to say so is asked. */
  offer(id: number, source: number, index: number): void {
    if (id >= this.#lazySource.length) this.#fit();
    if (this.#lazySource[id] !== 0) return;
    this.#lazySource[id] = source;
    this.#lazyIndex[id] = index;
  }

  /** Extracts from the lazy sources until nothing wanted can be had from them any more; `isElsewhere` names are left alone. */
  close(isElsewhere?: (id: number) => boolean): void {
    for (let id = this.#wanted.pop(); id !== undefined; id = this.#wanted.pop()) {
      if (this.definition[id] !== 0) continue;
      const source = this.#lazySource[id]!;
      if (source === 0 || isElsewhere?.(id)) continue;
      const graph = this.#lazySources[source - 1]!.extract(this.#lazyIndex[id]!, id);
      if (graph !== undefined) this.add(graph);
    }
  }

  /** Name identifiers that are referred to and not defined. */
  undefinedNames(): number[] {
    this.#fit();
    const names: number[] = [];
    for (let id = 0; id < this.tables.pool.size; id++) {
      if (this.references[id] !== 0 && this.definition[id] === 0) names.push(id);
    }
    return names;
  }

  /** Names that one object takes for thread-local and another, or its definition, does not. */
  threadLocalMismatches(): number[] {
    return [...this.#threadLocals].filter((id) => {
      const row = this.definition[id]! - 1;
      if (row < 0) return (this.references[id]! & Reference.plain) !== 0;
      const other = (this.tables.symbols.info[row]! & 0xf) === STT_TLS ? Reference.plain : Reference.tls;
      return (this.references[id]! & other) !== 0;
    });
  }

  /** Gives every common symbol that won a section of its own, of the largest size and alignment asked for (gABI, SHN_COMMON). */
  allocateCommons(): void {
    const { sections, symbols, graphs } = this.tables;
    for (const [id, { size, alignment }] of this.#commons) {
      const row = this.definition[id]! - 1;
      if (row < 0 || symbols.section[row] !== SymbolPlace.common) continue;
      const section = sections.add(1);
      sections.kind[section] = symbols.info[row]! % 16 === STT_TLS ? SectionKind.tlsZeroFill : SectionKind.zeroFill;
      sections.graph[section] = this.#graphOf(row, graphs);
      sections.size[section] = size;
      sections.alignment[section] = alignment;
      symbols.section[row] = section;
      symbols.value[row] = 0;
    }
  }

  /** st_size of what a row defines, in bytes; of a common symbol the largest that any object asks for. */
  sizeOf(row: number): number {
    const { symbols, sections } = this.tables;
    const graph = this.graphOfRow(row);
    const section = symbols.section[row]!;
    // Sections of commons are none of the file's.
    if (section >= graph.firstSection + graph.sectionCount) return sections.size[section]!;
    return graph.symbolSize(row - graph.firstSymbol);
  }

  /** The graph whose symbol table has the row. */
  graphOfRow(row: number): LinkGraph {
    return this.tables.graphs[this.#graphOf(row, this.tables.graphs)]!;
  }

  #refer(row: number): void {
    const { symbols } = this.tables;
    const id = symbols.id[row]!;
    const info = symbols.info[row]!;
    let bits = this.references[id]! | (((info >> 4) & 0xf) === STB_WEAK ? Reference.weak : Reference.strong);
    if ((info & 0xf) !== STT_TLS) bits |= Reference.plain;
    else {
      bits |= Reference.tls;
      this.#threadLocals.add(id);
    }
    if ((info >> 8) & 3) bits |= Reference.hidden;
    this.references[id] = bits;
    if ((bits & Reference.strong) !== 0 && this.definition[id] === 0) this.#wanted.push(id);
  }

  #define(graph: LinkGraph, row: number, place: number): void {
    const { symbols } = this.tables;
    const id = symbols.id[row]!;
    const known = this.definition[id]! - 1;
    if (place === SymbolPlace.common) this.#noteCommon(graph, row, id);
    if ((symbols.info[row]! & 0xf) === STT_TLS) this.#threadLocals.add(id);
    if (known < 0) {
      this.definition[id] = row + 1;
      return;
    }
    const strength = this.#strength(row);
    const before = this.#strength(known);
    if (strength > before) this.definition[id] = row + 1;
    else if (strength === 3 && before === 3) {
      this.duplicates.push({ id, first: this.graphOfRow(known), second: graph });
    }
  }

  /** 3 strong, 2 common, 1 weak; STB_GNU_UNIQUE is one of many equals by design and never a duplicate. */
  #strength(row: number): number {
    const { symbols } = this.tables;
    if (symbols.section[row] === SymbolPlace.common) return 2;
    const binding = (symbols.info[row]! >> 4) & 0xf;
    if (binding === STB_WEAK) return 1;
    return binding === STB_GNU_UNIQUE ? 2.5 : 3;
  }

  #noteCommon(graph: LinkGraph, row: number, id: number): void {
    const size = graph.symbolSize(row - graph.firstSymbol);
    const alignment = this.tables.symbols.value[row] || 1;
    const known = this.#commons.get(id);
    this.#commons.set(id, {
      size: Math.max(size, known?.size ?? 0),
      alignment: Math.max(alignment, known?.alignment ?? 1),
    });
  }

  #graphOf(row: number, graphs: readonly LinkGraph[]): number {
    let low = 0;
    let high = graphs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (graphs[middle]!.firstSymbol <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #fit(): void {
    const size = this.tables.pool.size;
    if (size <= this.definition.length) return;
    const capacity = Math.max(2 * this.definition.length, size);
    this.definition = fitted(this.definition, capacity);
    this.#lazySource = fitted(this.#lazySource, capacity);
    this.#lazyIndex = fitted(this.#lazyIndex, capacity);
    const references = new Uint8Array(capacity);
    references.set(this.references);
    this.references = references;
  }
}

function fitted(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity);
  larger.set(array);
  return larger;
}
