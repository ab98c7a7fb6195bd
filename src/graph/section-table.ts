import { type Column, type ColumnBlock, type Columns, detachColumns, moveColumns } from "../kernel/columns.ts";
import {
  SECTION_ADDRESS,
  SECTION_ALIGNMENT,
  SECTION_CAPACITY,
  SECTION_CONTENT,
  SECTION_GRAPH,
  SECTION_KIND,
  SECTION_NAME,
  SECTION_RELOCATION_COUNT,
  SECTION_RELOCATIONS,
  SECTION_SIZE,
} from "../kernel/record.ts";
import {
  KIND_CODE,
  KIND_DATA,
  KIND_DISCARDED,
  KIND_EH_FRAME,
  KIND_FUNCTION_ARRAY,
  KIND_LARGE_ZERO_FILL,
  KIND_NONE,
  KIND_READ_ONLY,
  KIND_TLS_DATA,
  KIND_TLS_ZERO_FILL,
  KIND_WRITABLE_CODE,
  KIND_ZERO_FILL,
} from "./section-kinds.ts";

/** Rows of a table at first: those of a small object. */
const INITIAL_ROWS = 64;
/** Bytes of all columns of a row, with what their alignment may cost. */
export const SECTION_ROW_SIZE = 48;
const COLUMNS = [
  "size",
  "alignment",
  "address",
  "graph",
  "content",
  "name",
  "relocations",
  "relocationCount",
  "kind",
] as const;

/** What a section is to the linker; decides where its bytes go. */
export const SectionKind = {
  /** Not part of the program's memory: symbol tables, debug information, notes for tools. */
  none: KIND_NONE,
  /** Executable. */
  code: KIND_CODE,
  /** Neither written nor executed. */
  readOnly: KIND_READ_ONLY,
  /** Writable, with contents. */
  data: KIND_DATA,
  /** Writable, zero at first (SHT_NOBITS). */
  zeroFill: KIND_ZERO_FILL,
  /** What threads' own blocks begin with. */
  tlsData: KIND_TLS_DATA,
  /** The zero part of threads' own blocks. */
  tlsZeroFill: KIND_TLS_ZERO_FILL,
  /** Tables for unwinding. */
  ehFrame: KIND_EH_FRAME,
  /** .preinit_array, .init_array, .ctors, .fini_array, .dtors with all their suffixes. */
  functionArray: KIND_FUNCTION_ARRAY,
  /** Member of a COMDAT group that an earlier input already provides. */
  discarded: KIND_DISCARDED,
  /** Zero-fill of the medium and large code models, which need not be near anything. */
  largeZeroFill: KIND_LARGE_ZERO_FILL,
  /** Both SHF_WRITE and SHF_EXECINSTR, the only memory that becomes writable and executable. */
  writableCode: KIND_WRITABLE_CODE,
} as const;
/** One of the values above. */
export type SectionKind = (typeof SectionKind)[keyof typeof SectionKind];

/**
 * All sections of a link job, one row a section, packed: the inputs of one job have hundreds of thousands. A graph owns
 * the rows `firstSection … firstSection + sectionCount - 1`; row `firstSection + i` is the file's section i.
 */
export class SectionTable {
  /** Rows in use. */
  count = 0;
  /** A SectionKind. */
  kind!: Uint8Array;
  /** Row of the graph in the job's list. */
  graph!: Int32Array;
  /** Position of the contents in the graph's reader view; -1 for writable code without contents (SHT_NOBITS). */
  content!: Int32Array;
  /** Bytes in memory. */
  size!: Float64Array;
  /** A power of two. */
  alignment!: Float64Array;
  /** Position of the name in the graph's reader view, NUL-terminated. */
  name!: Int32Array;
  /** Position and number of the RELA entries; a CREL table is expanded into a buffer of its own. */
  relocations!: Int32Array;
  /** Number of the entries there. */
  relocationCount!: Int32Array;
  /** Address in the executor once the layout is fixed; offset in the TLS block for TLS sections. */
  address!: Float64Array;
  /** Called before the columns move; other threads must not be writing to them then. */
  beforeMove: (() => void) | undefined;
  readonly #columns: Columns;
  #block: ColumnBlock | undefined;

  constructor(columns: Columns) {
    this.#columns = columns;
    this.#allocate(INITIAL_ROWS);
  }

  /** Adds `count` zeroed rows and gives the first. */
  add(count: number): number {
    const first = this.count;
    this.makeRoom(count);
    this.count += count;
    return first;
  }

  /** Takes back the rows from `first` on, which may have been written to. */
  truncate(first: number): void {
    this.clear(first, this.count);
    this.count = first;
  }

  /** Makes the rows [first, last) what they were at first. */
  clear(first: number, last: number): void {
    for (const column of this.#all()) column.fill(0, first, last);
  }

  /** Moves the rows into arrays of their own, just large enough. */
  detach(): void {
    detachColumns(this, COLUMNS, this.count);
  }

  /** Makes room for so many rows in all. */
  reserve(rows: number): void {
    if (rows > this.kind.length) this.#allocate(rows);
  }

  /** Makes room for so many more rows, and for as many again as there are, since there will be further ones. */
  makeRoom(more: number): void {
    const rows = this.count + more;
    if (rows > this.kind.length) this.#allocate(Math.max(2 * this.kind.length, rows));
  }

  /** Moves all rows into a block of `capacity` rows. */
  #allocate(capacity: number): void {
    this.beforeMove?.();
    const before = this.#block;
    const rows = this.#all();
    const block = this.#columns.block(SECTION_ROW_SIZE * capacity);
    this.#block = block;
    this.size = block.float64(capacity, SECTION_SIZE);
    this.alignment = block.float64(capacity, SECTION_ALIGNMENT);
    this.address = block.float64(capacity, SECTION_ADDRESS);
    this.graph = block.int32(capacity, SECTION_GRAPH);
    this.content = block.int32(capacity, SECTION_CONTENT);
    this.name = block.int32(capacity, SECTION_NAME);
    this.relocations = block.int32(capacity, SECTION_RELOCATIONS);
    this.relocationCount = block.int32(capacity, SECTION_RELOCATION_COUNT);
    this.kind = block.uint8(capacity, SECTION_KIND);
    this.#columns.words[SECTION_CAPACITY / 4] = capacity;
    moveColumns(before, rows, this.#all());
  }

  #all(): Column[] {
    return COLUMNS.map((name) => this[name]);
  }
}
