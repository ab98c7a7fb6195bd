import type { ByteReader } from "../bytes/byte-reader.ts";
import type { GraphTables } from "./graph-tables.ts";

const decoder = new TextDecoder();

/**
 * One object file in memory: its sections and symbols are rows of the job's tables, its edges (relocation entries) are
 * read in place from the file.
 */
export class LinkGraph {
  /** The tables in which its rows are. */
  readonly tables: GraphTables;
  /** Position in `tables.graphs`. */
  readonly index: number;
  /** Row of its section 0. */
  readonly firstSection: number;
  /** Number of its sections. */
  readonly sectionCount: number;
  /** Row of its symbol 0. */
  firstSymbol: number;
  /** Number of its symbols. */
  symbolCount = 0;
  /** Symbols before this one are local. */
  localCount = 0;
  /** Positions in the reader's view of the symbol entries and of their names. */
  symbolEntries = 0;
  /** Where the symbols' names begin in the reader's view. */
  symbolNames = 0;
  /** Where they end. */
  symbolNamesEnd = 0;
  /** Relocation tables that were expanded from a compact form, by section row. */
  readonly expandedRelocations = new Map<number, DataView>();
  #file: ByteReader | (() => ByteReader);

  /** `file`: its bytes, or what gives them when they are asked for: of most members of archives nobody does. */
  constructor(tables: GraphTables, file: ByteReader | (() => ByteReader), firstSection: number, sectionCount: number) {
    this.tables = tables;
    this.#file = file;
    this.firstSection = firstSection;
    this.sectionCount = sectionCount;
    this.firstSymbol = tables.symbols.count;
    this.index = tables.graphs.length;
    tables.graphs.push(this);
  }

  /** Whether its bytes are there without being fetched, as those of members of archives have to be. */
  get hasReader(): boolean {
    return typeof this.#file !== "function";
  }

  /** The file's bytes. Those of a member of an archive are fetched when they are first asked for. */
  get reader(): ByteReader {
    if (typeof this.#file === "function") this.#file = this.#file();
    return this.#file;
  }

  /** What errors call it: `main.o`, `libfoo.a(bar.o)`. */
  get name(): string {
    return this.reader.name;
  }

  /** Where the relocation entries of a section are, from position `sections.relocations[row]`: in the file, or expanded. */
  relocationEntries(row: number): DataView {
    return this.expandedRelocations.get(row) ?? this.reader.view;
  }

  /** Name of a section given by its row. */
  sectionName(row: number): string {
    return this.#text(this.tables.sections.name[row]!, this.reader.start + this.reader.length);
  }

  /** Name of a symbol given by its index in the file; section symbols answer with their section's name. */
  symbolName(index: number): string {
    const row = this.firstSymbol + index;
    const entry = this.symbolEntries + 24 * index;
    const name = this.reader.view.getUint32(entry, true);
    const section = this.tables.symbols.section[row]!;
    if (name === 0 && section >= 0) return this.sectionName(section);
    return this.#text(this.symbolNames + name, this.symbolNamesEnd);
  }

  /** st_size of a symbol given by its index in the file, in bytes. */
  symbolSize(index: number): number {
    const at = this.symbolEntries + 24 * index + 16;
    return this.reader.view.getUint32(at + 4, true) * 0x1_0000_0000 + this.reader.view.getUint32(at, true);
  }

  /** st_value of a symbol given by its index in the file, with all its bits. */
  symbolValue(index: number): bigint {
    return this.reader.view.getBigInt64(this.symbolEntries + 24 * index + 8, true);
  }

  #text(position: number, limit: number): string {
    let end = position;
    while (end < limit && this.reader.view.getUint8(end) !== 0) end++;
    return decoder.decode(
      new Uint8Array(this.reader.view.buffer, this.reader.view.byteOffset + position, end - position),
    );
  }
}
