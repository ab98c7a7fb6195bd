import { type Column, type ColumnBlock, type Columns, detachColumns, moveColumns } from "../kernel/columns.ts";
import { SYMBOL_CAPACITY, SYMBOL_ID, SYMBOL_INFO, SYMBOL_SECTION, SYMBOL_VALUE } from "../kernel/record.ts";

const INITIAL_ROWS = 256;
/** Bytes of all columns of a row, with what their alignment may cost. */
export const SYMBOL_ROW_SIZE = 19;
const COLUMNS = ["value", "section", "id", "info"] as const;

/** Where a symbol lives, when it is not in a section: values of `SymbolTable.section` below zero. */
export const SymbolPlace = {
  /** SHN_UNDEF: defined elsewhere. */
  undefined: -1,
  /** SHN_ABS: its value is no address of a section. */
  absolute: -2,
  /** SHN_COMMON: room that is still to be given. */
  common: -3,
  /** In a section that has been discarded. */
  discarded: -4,
} as const;

/**
 * All symbols of a link job, one row a symbol, packed. A graph owns the rows
 * `firstSymbol … firstSymbol + symbolCount - 1`; row `firstSymbol + i` is the file's symbol i.
 */
export class SymbolTable {
  /** Rows in use. */
  count = 0;
  /** Row of the section it is defined in, or one of `SymbolPlace`. */
  section!: Int32Array;
  /** Offset in its section before, address after the layout; for a TLS symbol the offset in the TLS block. */
  value!: Float64Array;
  /** Identifier of its name in the pool for global symbols, -1 for local ones. */
  id!: Int32Array;
  /** ELF st_info (binding in the high nibble, type in the low) | st_other << 8. */
  info!: Uint16Array;
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

  /** Makes room for so many rows in all. */
  reserve(rows: number): void {
    if (rows > this.section.length) this.#allocate(rows);
  }

  /** Makes room for so many more rows, and for as many again as there are, since there will be further ones. */
  makeRoom(more: number): void {
    const rows = this.count + more;
    if (rows > this.section.length) this.#allocate(Math.max(2 * this.section.length, rows));
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

  /** Moves all rows into a block of `capacity` rows. */
  #allocate(capacity: number): void {
    const before = this.#block;
    const rows = this.#all();
    const block = this.#columns.block(SYMBOL_ROW_SIZE * capacity);
    this.#block = block;
    this.value = block.float64(capacity, SYMBOL_VALUE);
    this.section = block.int32(capacity, SYMBOL_SECTION);
    this.id = block.int32(capacity, SYMBOL_ID);
    this.info = block.uint16(capacity, SYMBOL_INFO);
    this.#columns.words[SYMBOL_CAPACITY / 4] = capacity;
    moveColumns(before, rows, this.#all());
  }

  #all(): Column[] {
    return COLUMNS.map((name) => this[name]);
  }
}
