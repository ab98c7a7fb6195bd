import { STT_GNU_IFUNC } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { kernelFor } from "../kernel/kernel.ts";
import type { Externals } from "./externals.ts";

/** An indirect function of the job: code calls it through the slot that its resolver's result is put into. */
export interface IndirectFunction {
  readonly symbol: number;
  readonly resolver: number;
}

/** Number of indirect functions that the job defines; the layout makes room for their slots and stubs. */
export function countIndirectFunctions(tables: GraphTables): number {
  const { symbols, columns } = tables;
  const fast = kernelFor(columns.record);
  if (fast !== undefined) return fast.countIndirectFunctions(columns.record!, symbols.count);
  let count = 0;
  for (let row = 0; row < symbols.count; row++) {
    if ((symbols.info[row]! & 0xf) === STT_GNU_IFUNC && symbols.section[row]! >= 0) count++;
  }
  return count;
}

/**
 * Turns offsets into addresses for every symbol row that is defined in the job; gives the indirect functions among them.
 * Rows in dropped sections get NaN: they have no address.
 */
export function bindDefinitions(tables: GraphTables): IndirectFunction[] {
  const { sections, symbols } = tables;
  const indirect: IndirectFunction[] = [];
  const { record } = tables;
  const fast = kernelFor(record);
  if (fast !== undefined) {
    if (fast.bindDefinitions(record!, 0, symbols.count) === 0) return indirect;
    for (let row = 0; row < symbols.count; row++) {
      if ((symbols.info[row]! & 0xf) !== STT_GNU_IFUNC || symbols.section[row]! < 0) continue;
      indirect.push({ symbol: row, resolver: symbols.value[row]! });
    }
    return indirect;
  }
  for (let row = 0; row < symbols.count; row++) {
    const section = symbols.section[row]!;
    if (section >= 0) {
      const kind = sections.kind[section]!;
      if (kind === SectionKind.none) symbols.value[row] = 0;
      else symbols.value[row]! += sections.address[section]!;
      if ((symbols.info[row]! & 0xf) === STT_GNU_IFUNC) indirect.push({ symbol: row, resolver: symbols.value[row]! });
    } else if (section === SymbolPlace.discarded) symbols.value[row] = Number.NaN;
  }
  return indirect;
}

/** Gives every reference by name the address of what the name stands for: the winning definition, or what is outside. */
export function bindReferences(tables: GraphTables, definition: Int32Array, externals: Externals): void {
  const { symbols, record } = tables;
  const fast = kernelFor(record);
  if (fast !== undefined) {
    fast.bindReferences(record!, 0, symbols.count);
    return;
  }
  for (let row = 0; row < symbols.count; row++) {
    const id = symbols.id[row]!;
    if (id < 0) continue;
    const defined = definition[id]! - 1;
    if (defined === row) continue;
    symbols.value[row] = defined >= 0 ? symbols.value[defined]! : externals.address[id]!;
  }
}
