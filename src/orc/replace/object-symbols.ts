import type { ByteReader } from "../../bytes/byte-reader.ts";
import { buildLinkGraph } from "../../formats/elf/build-link-graph.ts";
import { STT_FUNC, STT_OBJECT, STT_SECTION, STT_TLS } from "../../formats/elf/constants.ts";
import { GraphTables } from "../../graph/graph-tables.ts";
import type { LinkGraph } from "../../graph/link-graph.ts";
import { SectionKind } from "../../graph/section-table.ts";
import type { SymbolStringPool } from "../../graph/symbol-string-pool.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import { Columns } from "../../kernel/columns.ts";

/** A symbol of an object, as far as replacing is concerned. */
export interface ObjectSymbol {
  readonly index: number;
  readonly name: string;
  /** ELF st_info and st_other's visibility. */
  readonly info: number;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  readonly isLocal: boolean;
  /** Index of its section in the file, or one of `SymbolPlace`. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

/** An object file by itself: its symbols, sections and relocation entries, checked. */
export class ObjectSymbols {
  readonly graph: LinkGraph;
  readonly reader: ByteReader;
  readonly symbols: readonly ObjectSymbol[];

  /** `pool`: of one version after the other, which have nearly the same names. Errors: ObjectFormatError. */
  constructor(reader: ByteReader, pool: SymbolStringPool) {
    this.reader = reader;
    // Out of the kernel's reach: memory of its own costs more here, to take and to give back, than the kernel would save.
    this.graph = buildLinkGraph(new GraphTables(pool, new Columns(null)), reader);
    this.symbols = Array.from({ length: this.graph.symbolCount }, (_, index) => this.#symbol(index));
  }

  get sectionCount(): number {
    return this.graph.sectionCount;
  }

  kind(section: number): number {
    return section < 0 ? SectionKind.none : this.graph.tables.sections.kind[section]!;
  }

  sectionName(section: number): string {
    return this.graph.sectionName(section);
  }

  sectionSize(section: number): number {
    return this.graph.tables.sections.size[section]!;
  }

  /** What the file has for a section; empty for zero-fill. */
  contents(section: number): Uint8Array {
    const kind = this.kind(section);
    if (kind === SectionKind.zeroFill || kind === SectionKind.largeZeroFill) return new Uint8Array(0);
    const { content, size } = this.graph.tables.sections;
    return this.reader.bytes(content[section]! - this.reader.start, size[section]!, "section");
  }

  /** Variables that live on: writable, and not only until the loader has relocated them (RELRO). */
  isKeptData(section: number): boolean {
    const kind = this.kind(section);
    if (kind === SectionKind.zeroFill || kind === SectionKind.largeZeroFill) return true;
    return kind === SectionKind.data && !/^\.(data\.rel\.ro|tm_clone_table)/.test(this.sectionName(section));
  }

  isCode(section: number): boolean {
    const kind = this.kind(section);
    return kind === SectionKind.code || kind === SectionKind.writableCode;
  }

  isFunction({ type, section }: ObjectSymbol): boolean {
    return type === STT_FUNC && section > 0 && this.isCode(section);
  }

  isVariable({ type, section, size }: ObjectSymbol): boolean {
    if (section === SymbolPlace.common) return type !== STT_TLS;
    return type === STT_OBJECT && size > 0 && section > 0 && this.isKeptData(section);
  }

  isSection(index: number): boolean {
    return this.symbols[index]?.type === STT_SECTION;
  }

  #symbol(index: number): ObjectSymbol {
    const { symbols, sections } = this.graph.tables;
    const row = this.graph.firstSymbol + index;
    const info = symbols.info[row]!;
    const place = symbols.section[row]!;
    const type = info & 0xf;
    // Section numbers are rows: the object is the only one in its tables.
    return {
      index,
      name: index === 0 || (type === STT_SECTION && place < 0) ? "" : this.graph.symbolName(index),
      info: info & 0xff,
      type,
      binding: (info >> 4) & 0xf,
      visibility: (info >> 8) & 3,
      isLocal: index < this.graph.localCount,
      section: place >= 0 && sections.kind[place] === SectionKind.discarded ? SymbolPlace.discarded : place,
      value: symbols.value[row]!,
      size: this.graph.symbolSize(index),
    };
  }
}
