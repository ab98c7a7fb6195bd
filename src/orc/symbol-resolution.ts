import type { IndexPlace } from "../formats/archive-index.ts";
import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS, STV_PROTECTED } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { ColumnBlock } from "../kernel/columns.ts";
import { kernel } from "../kernel/kernel.ts";
import {
  NAME_DEFINITION,
  NAME_INVISIBLE,
  NAME_OFFERED,
  NAME_REFERENCES,
  NAME_WANTED,
  OFFER_BEFORE,
  OFFER_COUNT,
  OFFER_INDEX,
  OFFER_SOURCE,
} from "../kernel/record.ts";
import { EntryQueue, entryOf, idOf, sift, takeFirst } from "./entry-queue.ts";

/**
 * What is known about the references to a name: bits of `SymbolResolution.references`. `hidden` must be met inside the job;
 * `plain` is a reference that is not thread-local.
 */
export const Reference = { strong: 1, weak: 2, tls: 4, hidden: 8, plain: 16 } as const;

const INITIAL_NAMES = 4096;
/** Bytes of all columns of a name, with what their alignment may cost. */
const NAME_SIZE = 12;

/** Two strong definitions of one name. */
export interface DuplicateDefinition {
  readonly id: number;
  readonly first: LinkGraph;
  readonly second: LinkGraph;
}

/** Where a definition can be had that is not part of the job yet: an archive. */
export interface LazySource {
  /**
   * Adds what defines the symbol at `index` of this source to the job; undefined when that is there already, or when what
   * comes before the source defines the name, unless only a definition inside the job will do (`inside`).
   */
  extract(index: number, id: number, inside: boolean): LinkGraph | undefined;
  /** Whether the definition at `index` is more than a common symbol. */
  isDefinition(index: number, id: number): boolean;
}

/**
 * Who defines which name in a link job, by the rules of the gABI ("Symbol Table", binding) as linkers apply them: a strong
 * definition beats a common one beats a weak one; the first of equals wins; two strong ones are an error.
 *
 * Lazy sources are visited in the order of the link, as GNU ld does: a source is asked for what is wanted when it is its turn,
 * those of a group again and again. What it could not give in that order, a linker would not find; here it is looked for in
 * all sources once more.
 */
export class SymbolResolution {
  readonly tables: GraphTables;
  /** By name identifier: row of the definition + 1, or 0. */
  definition!: Int32Array;
  /** By name identifier: bits of `Reference`. */
  references!: Uint8Array;
  /** By name identifier: 1 when some file says that the name is not to be seen from outside the job. */
  invisible!: Uint8Array;
  readonly duplicates: DuplicateDefinition[] = [];
  /** Names that some object defines, or refers to, as thread-local. */
  readonly #threadLocals = new Set<number>();
  readonly #sources: { readonly source: LazySource; readonly group: number; readonly queue: EntryQueue }[] = [];
  /** By name identifier: number of the latest offer of it + 1. */
  #offered!: Int32Array;
  /** By number of an offer: source, index there, and the earlier offer of the same name + 1. */
  #offerSource!: Int32Array;
  #offerIndex!: Int32Array;
  #offerBefore!: Int32Array;
  #offers: ColumnBlock | undefined;
  /** By name identifier: 1 when it has been asked for in this round. */
  #isWanted!: Uint8Array;
  #block: ColumnBlock | undefined;
  /** Where the kernel says what is left to do. */
  #out: ColumnBlock | undefined;
  #outSize = 0;
  #wanted: number[] = [];
  /** The source that is being visited, or the last one that was. */
  #position = 0;
  #visiting = false;
  /** While all sources are gone through: the numbers of those ahead that have something in their queue, as a heap; those behind. */
  #ahead: number[] | undefined;
  #behind: number[] = [];
  readonly #commons = new Map<number, { size: number; alignment: number }>();

  constructor(tables: GraphTables) {
    this.tables = tables;
    this.#allocate(Math.max(INITIAL_NAMES, tables.pool.size));
  }

  /** Registers what a graph defines and refers to. */
  add(graph: LinkGraph): void {
    this.#fit();
    const { symbols } = this.tables;
    const first = graph.firstSymbol + graph.localCount;
    const end = graph.firstSymbol + graph.symbolCount;
    if (this.#addFast(graph, first, end)) return;
    for (let row = first; row < end; row++) this.#addRow(graph, row, symbols.section[row]!);
  }

  /** Lets the kernel do what it can, and does the rest; false when the tables are out of its reach. */
  #addFast(graph: LinkGraph, first: number, end: number): boolean {
    const { columns, symbols } = this.tables;
    if (4 * (end - first) > this.#outSize) {
      this.#out?.release();
      this.#outSize = 8 * (end - first);
      this.#out = columns.block(this.#outSize);
    }
    const { record } = columns;
    const fast = record === undefined || this.#out === undefined ? undefined : kernel();
    if (fast === undefined) return false;
    const out = this.#out!.position;
    const count = fast.resolve(record!, first, end, out);
    const words = new Int32Array(columns.buffer!, out, count);
    for (let i = 0; i < count; i++) {
      const word = words[i]!;
      if (word < 0) this.#addRow(graph, ~word, symbols.section[~word]!);
      else {
        this.#wanted.push(word);
        this.#enqueue(word);
      }
    }
    return true;
  }

  #addRow(graph: LinkGraph, row: number, place: number): void {
    if (place === SymbolPlace.undefined || place === SymbolPlace.discarded) this.#refer(row);
    else this.#define(graph, row, place);
  }

  /** Asks for a name by hand, as an entry point does. */
  want(id: number): void {
    this.#fit();
    this.references[id]! |= Reference.strong;
    this.#want(id);
  }

  /** Says that something outside the job, a shared library, would take a definition if a lazy source has one. */
  wantIfOffered(id: number): void {
    this.#fit();
    this.#want(id);
  }

  /** Adds a source behind those that are there; sources of one group (a number other than 0) are visited in circles. */
  addLazySource(source: LazySource, group = 0): number {
    return this.#sources.push({ source, group, queue: new EntryQueue() });
  }

  /** Says that `source` (a number from `addLazySource`) can define `id`; all offers are made before anything is added. */
  offer(id: number, source: number, index: number): void {
    if (id >= this.#offered.length) this.#fit();
    const offer = this.#offerCount;
    this.#reserveOffers(1);
    this.#offerSource[offer] = source;
    this.#offerIndex[offer] = index;
    this.#offerBefore[offer] = this.#offered[id]!;
    this.#offered[id] = offer + 1;
    this.#offerCount = offer + 1;
  }

  /** Says that `source` can define all names of an archive's index; false, with nothing said, when the index has to be read otherwise. */
  offerIndex(source: number, { reader, position, count, word, end }: IndexPlace): boolean {
    const { columns, pool } = this.tables;
    const names = position + word * count;
    if (reader.view.buffer !== columns.buffer || columns.record === undefined) return false;
    pool.reserve(count, end - names);
    this.#reserveOffers(count);
    if (pool.size + count > this.#offered.length) this.#allocate(Math.max(2 * this.#offered.length, pool.size + count));
    const [record, poolRecord] = [columns.record, pool.columns.record];
    const fast = record === undefined || poolRecord === undefined ? undefined : kernel();
    if (fast === undefined) return false;
    return !!fast.offerIndex(record!, poolRecord!, position, count, word, names, end, reader.length, source);
  }

  /** Makes room for so many more names, each of them offered. */
  reserve(names: number): void {
    this.#reserveOffers(names);
    const size = this.tables.pool.size + names;
    if (size > this.#offered.length) this.#allocate(size);
  }

  get #offerCount(): number {
    return this.tables.columns.words[OFFER_COUNT / 4]!;
  }

  set #offerCount(count: number) {
    this.tables.columns.words[OFFER_COUNT / 4] = count;
  }

  #reserveOffers(count: number): void {
    const needed = this.#offerCount + count;
    const capacity = this.#offers === undefined ? 0 : this.#offerSource.length;
    if (needed <= capacity) return;
    const [sources, indices, earlier] = [this.#offerSource, this.#offerIndex, this.#offerBefore];
    const before = this.#offers;
    const size = Math.max(2 * capacity, needed, INITIAL_NAMES);
    this.#offers = this.tables.columns.block(12 * size + 24);
    this.#offerSource = this.#offers.int32(size, OFFER_SOURCE);
    this.#offerIndex = this.#offers.int32(size, OFFER_INDEX);
    this.#offerBefore = this.#offers.int32(size, OFFER_BEFORE);
    if (before === undefined) return;
    this.#offerSource.set(sources);
    this.#offerIndex.set(indices);
    this.#offerBefore.set(earlier);
    before.release();
  }

  /** Extracts what is wanted of a source, and at the end of its group of the whole group; `isElsewhere` names are left alone. */
  visit(source: number, isElsewhere?: (id: number) => boolean): void {
    this.#visit(source, isElsewhere);
    const { group } = this.#sources[source - 1]!;
    if (group === 0 || this.#sources[source]?.group === group) return;
    let first = source;
    while (first > 1 && this.#sources[first - 2]!.group === group) first--;
    for (let at = first; at <= source; at++) {
      if (this.#sources[at - 1]!.queue.isEmpty) continue;
      this.#visit(at, isElsewhere);
      at = first - 1;
    }
    this.#position = source;
  }

  /** Looks for what is still wanted in all sources, whatever their order. */
  close(isElsewhere?: (id: number) => boolean): void {
    for (let at = 1; at <= this.#sources.length; at++) if (!this.#sources[at - 1]!.queue.isEmpty) this.#behind.push(at);
    for (;;) {
      const wanted = this.#wanted.filter((id) => this.definition[id] === 0);
      this.#wanted = [];
      this.#position = 0;
      this.#ahead = this.#behind.sort((a, b) => a - b);
      this.#behind = [];
      for (const id of wanted) this.#isWanted[id] = 0;
      for (const id of wanted) this.#want(id);
      let taken = 0;
      // Only where something is waiting: a chain through ten thousand archives would be a hundred million visits.
      while (this.#ahead.length > 0) taken += this.#visit(takeFirst(this.#ahead), isElsewhere);
      this.#ahead = undefined;
      if (taken === 0) return;
    }
  }

  #visit(number: number, isElsewhere: ((id: number) => boolean) | undefined): number {
    const { source, queue } = this.#sources[number - 1]!;
    let taken = 0;
    this.#position = number;
    this.#visiting = true;
    for (let key = queue.pop(); key >= 0; key = queue.pop()) {
      const entry = entryOf(key);
      const id = idOf(key);
      const known = this.definition[id]! - 1;
      if (known >= 0 && this.tables.symbols.section[known] !== SymbolPlace.common) continue;
      if (isElsewhere?.(id)) continue;
      // A common symbol is replaced by a definition, not by another one of its kind.
      if (known >= 0 && !source.isDefinition(entry, id)) continue;
      const graph = source.extract(entry, id, (this.references[id]! & Reference.hidden) !== 0);
      if (graph === undefined) continue;
      taken++;
      this.add(graph);
    }
    this.#visiting = false;
    return taken;
  }

  /** Puts every offer of a name, and every one of its group, that the order of the link has not passed into its source's queue. */
  #want(id: number): void {
    if (this.#isWanted[id] !== 0) return;
    this.#isWanted[id] = 1;
    this.#wanted.push(id);
    this.#enqueue(id);
  }

  #enqueue(id: number): void {
    const group = this.#position === 0 ? 0 : this.#sources[this.#position - 1]!.group;
    for (let offer = this.#offered[id]! - 1; offer >= 0; offer = this.#offerBefore[offer]! - 1) {
      const number = this.#offerSource[offer]!;
      const source = this.#sources[number - 1]!;
      const isAhead = number > this.#position || (number === this.#position && this.#visiting);
      if (!isAhead && (group === 0 || source.group !== group)) continue;
      if (this.#ahead !== undefined && source.queue.isEmpty) {
        if (number > this.#position) sift(this.#ahead, number);
        else if (number < this.#position) this.#behind.push(number);
      }
      source.queue.push(this.#offerIndex[offer]!, id);
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

  /** Makes every reference to a key one to its value; nothing defines any of them. One pass, however many there are. */
  rename(names: ReadonlyMap<number, number>): void {
    this.#fit();
    const { symbols } = this.tables;
    for (let row = 0; row < symbols.count; row++) {
      const to = names.get(symbols.id[row]!);
      if (to !== undefined) symbols.id[row] = to;
    }
    for (const [from, to] of names) {
      this.references[to]! |= this.references[from]!;
      this.references[from] = 0;
    }
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

  /** Keeps what is known of each name, in arrays of their own, and forgets how it was found out. */
  detach(): void {
    const { size } = this.tables.pool;
    this.definition = this.definition.slice(0, size);
    this.references = this.references.slice(0, size);
    this.invisible = this.invisible.slice(0, size);
    this.#offered = new Int32Array(0);
    this.#isWanted = new Uint8Array(0);
    this.#offerSource = this.#offerIndex = this.#offerBefore = new Int32Array(0);
    this.#sources.length = 0;
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
    this.#noteVisibility(id, info);
    if ((bits & Reference.strong) !== 0 && this.definition[id] === 0) this.#want(id);
  }

  #define(graph: LinkGraph, row: number, place: number): void {
    const { symbols } = this.tables;
    const id = symbols.id[row]!;
    const known = this.definition[id]! - 1;
    const info = symbols.info[row]!;
    this.#noteVisibility(id, info);
    if (place === SymbolPlace.common) this.#noteCommon(graph, row, id);
    if ((info & 0xf) === STT_TLS) this.#threadLocals.add(id);
    if (known < 0) {
      this.definition[id] = row + 1;
      // A later source may have the definition that it is the common form of.
      if (place === SymbolPlace.common && this.#isWanted[id] === 0) this.#enqueue(id);
      return;
    }
    const strength = this.#strength(row);
    const before = this.#strength(known);
    if (strength > before) this.definition[id] = row + 1;
    else if (strength === 3 && before === 3 && !this.#isSame(graph, row, known)) {
      this.duplicates.push({ id, first: this.graphOfRow(known), second: graph });
    }
  }

  /** One absolute value given twice, or one place under two names that a version made one, is no contradiction. */
  #isSame(graph: LinkGraph, row: number, known: number): boolean {
    const { section } = this.tables.symbols;
    const other = this.graphOfRow(known);
    if (section[row] !== section[known]) return false;
    if (section[row] !== SymbolPlace.absolute && other !== graph) return false;
    return graph.symbolValue(row - graph.firstSymbol) === other.symbolValue(known - other.firstSymbol);
  }

  /** Of all that the files say about a name's visibility the most constraining holds (gABI, "Symbol Table", st_other). */
  #noteVisibility(id: number, info: number): void {
    const visibility = (info >> 8) & 3;
    if (visibility !== 0 && visibility !== STV_PROTECTED) this.invisible[id] = 1;
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
    const { size } = this.tables.pool;
    if (size > this.definition.length) this.#allocate(Math.max(2 * this.definition.length, size));
  }

  /** Moves what is known of the names into a block for `capacity` of them. */
  #allocate(capacity: number): void {
    const { definition, references, invisible } = this;
    const [offered, isWanted] = [this.#offered, this.#isWanted];
    const before = this.#block;
    const block = this.tables.columns.block(NAME_SIZE * capacity);
    this.#block = block;
    this.definition = block.int32(capacity, NAME_DEFINITION);
    this.#offered = block.int32(capacity, NAME_OFFERED);
    this.references = block.uint8(capacity, NAME_REFERENCES);
    this.invisible = block.uint8(capacity, NAME_INVISIBLE);
    this.#isWanted = block.uint8(capacity, NAME_WANTED);
    if (before === undefined) return;
    this.definition.set(definition);
    this.#offered.set(offered);
    this.references.set(references);
    this.invisible.set(invisible);
    this.#isWanted.set(isWanted);
    before.release();
  }
}
