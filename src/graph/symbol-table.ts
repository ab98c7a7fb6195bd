import { enlarge } from "./section-table.ts";

/** Where a symbol lives, when it is not in a section: values of `SymbolTable.section` below zero. */
export const SymbolPlace = { undefined: -1, absolute: -2, common: -3, discarded: -4 } as const;

/**
 * All symbols of a link job, one row a symbol, packed. A graph owns the rows
 * `firstSymbol … firstSymbol + symbolCount - 1`; row `firstSymbol + i` is the file's symbol i.
 */
export class SymbolTable {
  count = 0;
  /** Row of the section it is defined in, or one of `SymbolPlace`. */
  section = new Int32Array(65536);
  /** Offset in its section before, address after the layout; for a TLS symbol the offset in the TLS block. */
  value = new Float64Array(65536);
  /** Identifier of its name in the pool for global symbols, -1 for local ones. */
  id = new Int32Array(65536);
  /** ELF st_info (binding in the high nibble, type in the low) | st_other << 8. */
  info = new Uint16Array(65536);

  /** Adds `count` zeroed rows and gives the first. */
  add(count: number): number {
    const first = this.count;
    this.count += count;
    if (this.count > this.section.length) this.#grow();
    return first;
  }

  #grow(): void {
    const capacity = Math.max(2 * this.section.length, this.count);
    this.section = enlarge(this.section, new Int32Array(capacity));
    this.value = enlarge(this.value, new Float64Array(capacity));
    this.id = enlarge(this.id, new Int32Array(capacity));
    this.info = enlarge(this.info, new Uint16Array(capacity));
  }
}
