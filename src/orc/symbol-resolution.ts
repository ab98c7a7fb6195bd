import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS, STV_PROTECTED } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { type ColumnBlock, moveColumns } from "../kernel/columns.ts";
import { kernel } from "../kernel/kernel.ts";
import type { Looping } from "../kernel/loop.ts";
import {
  NAME_CAPACITY,
  NAME_DEFINITION,
  NAME_INVISIBLE,
  NAME_REFERENCES,
  NAME_WANTED,
  WALK_POSITION,
  WALK_ROWS,
  WALK_ROWS_CAPACITY,
  WANTED_COUNT,
  WANTED_NAMES,
} from "../kernel/record.ts";
import { OfferWalk } from "./offer-walk.ts";
import { Offers } from "./offers.ts";

/**
 * What is known about the references to a name: bits of `SymbolResolution.references`. `hidden` must be met inside the job;
 * `plain` is a reference that is not thread-local.
 */
export const Reference = { strong: 1, weak: 2, tls: 4, hidden: 8, plain: 16 } as const;

const INITIAL_NAMES = 256;
/** Bytes of all columns of a name. */
const NAME_SIZE = 11;

/** Two strong definitions of one name. */
export interface DuplicateDefinition {
  readonly id: number;
  readonly first: LinkGraph;
  readonly second: LinkGraph;
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
  /** What lazy sources can define. */
  readonly offers: Offers;
  readonly #walk: OfferWalk;
  /** By name identifier: 1 when it has been asked for in this round; and the names of this round in their order. */
  #isWanted!: Uint8Array;
  #wanted!: Int32Array;
  #block: ColumnBlock | undefined;
  /** Where the kernel says what is left to do. */
  #rows: ColumnBlock | undefined;
  #rowCapacity = 0;
  readonly #commons = new Map<number, { size: number; alignment: number }>();

  constructor(tables: GraphTables) {
    this.tables = tables;
    this.offers = new Offers(tables);
    this.#walk = new OfferWalk(this, this.offers);
    this.#allocate(Math.max(INITIAL_NAMES, tables.pool.size));
  }

  /** Registers what a graph defines and refers to. */
  add(graph: LinkGraph): void {
    this.fit();
    const { symbols } = this.tables;
    const first = graph.firstSymbol + graph.localCount;
    const end = graph.firstSymbol + graph.symbolCount;
    this.makeRowRoom(end - first);
    const { record } = this.tables.columns;
    const fast = record === undefined ? undefined : kernel();
    if (fast !== undefined) this.addLeft(graph, fast.resolve(record!, first, end));
    else for (let row = first; row < end; row++) this.#addRow(graph, row, symbols.section[row]!);
  }

  /** Registers the symbols of a graph that the kernel has left, `count` of them. */
  addLeft(graph: LinkGraph, count: number): void {
    if (count === 0) return;
    const { columns, symbols } = this.tables;
    const rows = new Int32Array(columns.buffer!, this.#rows!.position, count);
    for (const row of rows) this.#addRow(graph, row, symbols.section[row]!);
  }

  /** Makes room for the kernel to leave so many symbols of a graph. */
  makeRowRoom(count: number): void {
    if (this.#rows !== undefined && count <= this.#rowCapacity) return;
    this.#rows?.release();
    const { columns } = this.tables;
    this.#rowCapacity = 2 * count + 64;
    this.#rows = columns.block(4 * this.#rowCapacity);
    columns.words[WALK_ROWS / 4] = this.#rows.position;
    columns.words[WALK_ROWS_CAPACITY / 4] = this.#rowCapacity;
  }

  #addRow(graph: LinkGraph, row: number, place: number): void {
    if (place === SymbolPlace.undefined || place === SymbolPlace.discarded) this.#refer(row);
    else this.#define(graph, row, place);
  }

  /** Asks for a name by hand, as an entry point does. */
  want(id: number): void {
    this.fit();
    this.references[id]! |= Reference.strong;
    this.#want(id);
  }

  /** Asks for a name by hand that may be missing. */
  wantWeakly(id: number): void {
    this.fit();
    this.references[id]! |= Reference.weak;
    this.#want(id);
  }

  /** Says that something outside the job, a shared library, would take a definition if a lazy source has one. */
  wantIfOffered(id: number): void {
    this.fit();
    this.#want(id);
  }

  /** Takes what is wanted of a source, and at the end of its group of the whole group; `isElsewhere` names are left alone. */
  *visit(source: number, isElsewhere?: (id: number) => boolean): Looping<void> {
    const { offers } = this;
    yield* this.#walk.visit(offers.firstOffer(source), offers.endOffer(source), { isElsewhere });
    this.#position = source;
    const group = offers.groupOf(source);
    if (group === 0 || (source < offers.sourceCount && offers.groupOf(source + 1) === group)) return;
    let first = source;
    while (first > 1 && offers.groupOf(first - 1) === group) first--;
    yield* this.#walk.visit(offers.firstOffer(first), offers.endOffer(source), { isElsewhere, fromFront: true });
    this.#position = source;
  }

  /** Looks for what is still wanted in all sources, whatever their order. */
  *close(isElsewhere?: (id: number) => boolean): Looping<void> {
    const { columns, graphs } = this.tables;
    for (;;) {
      this.fit();
      const wanted = this.#wanted.slice(0, columns.words[WANTED_COUNT / 4]).filter((id) => this.definition[id] === 0);
      columns.words[WANTED_COUNT / 4] = 0;
      this.#position = 0;
      for (const id of wanted) this.#isWanted[id] = 0;
      for (const id of wanted) this.#want(id);
      const before = graphs.length;
      yield* this.#walk.visit(0, this.offers.count, { isElsewhere });
      if (graphs.length === before) return;
    }
  }

  /** The source that is being visited, or was the last one; 0 for none. */
  set #position(source: number) {
    this.tables.columns.words[WALK_POSITION / 4] = source;
  }

  /** Wants every offer of a name that the order of the link has not passed. */
  #want(id: number): void {
    if (this.#isWanted[id] !== 0) return;
    this.#isWanted[id] = 1;
    const { words } = this.tables.columns;
    const count = words[WANTED_COUNT / 4]!;
    this.#wanted[count] = id;
    words[WANTED_COUNT / 4] = count + 1;
    this.offers.want(id);
  }

  /** Name identifiers that are referred to and not defined. */
  undefinedNames(): number[] {
    this.fit();
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
    this.fit();
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

  /** Whether what a row defines is, or was, a common symbol. */
  isCommon(row: number): boolean {
    const { symbols, graphs } = this.tables;
    const section = symbols.section[row]!;
    const last = graphs.at(-1)!;
    // Their sections were added behind those of all files.
    return section === SymbolPlace.common || section >= last.firstSection + last.sectionCount;
  }

  /** Makes all definitions of the names references to what is outside; the kernel's tables are the same as after a dropped group. */
  yieldNames(names: ReadonlySet<number>): void {
    const { symbols } = this.tables;
    for (let row = 0; row < symbols.count; row++) {
      const id = symbols.id[row]!;
      if (names.has(id) && symbols.section[row] !== SymbolPlace.undefined) symbols.section[row] = SymbolPlace.discarded;
    }
    for (const id of names) {
      this.definition[id] = 0;
      this.references[id]! |= Reference.strong | Reference.plain;
    }
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
    this.#isWanted = new Uint8Array(0);
    this.#wanted = new Int32Array(0);
    this.offers.detach();
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
      if (place === SymbolPlace.common && this.#isWanted[id] === 0) this.offers.want(id);
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

  /** Makes room for what is known of each name, and of so many more. */
  fit(more = 0): void {
    const size = this.tables.pool.size + more;
    this.offers.fit(more);
    if (size > this.definition.length) this.#allocate(Math.max(2 * this.definition.length, size));
    this.tables.columns.words[NAME_CAPACITY / 4] = Math.min(this.definition.length, this.offers.nameCapacity);
  }

  /** Moves what is known of the names into a block for `capacity` of them. */
  #allocate(capacity: number): void {
    const { definition, references, invisible } = this;
    const [isWanted, wanted] = [this.#isWanted, this.#wanted];
    const before = this.#block;
    const block = this.tables.columns.block(NAME_SIZE * capacity + 32);
    this.#block = block;
    this.definition = block.int32(capacity, NAME_DEFINITION);
    this.#wanted = block.int32(capacity, WANTED_NAMES);
    this.references = block.uint8(capacity, NAME_REFERENCES);
    this.invisible = block.uint8(capacity, NAME_INVISIBLE);
    this.#isWanted = block.uint8(capacity, NAME_WANTED);
    const rows = [this.definition, this.#wanted, this.references, this.invisible, this.#isWanted];
    moveColumns(before, [definition, wanted, references, invisible, isWanted], rows);
  }
}
