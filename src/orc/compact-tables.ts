import type { GraphTables } from "../graph/graph-tables.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** Columns with room for fewer rows than this many times what they hold stay as they are: copying them would cost more than it frees. */
const WASTE = 4;

/**
 * Gives back the room that a job's tables have for more rows: they begin large, since most jobs are, and a session keeps them for as
 * long as the job is linked. A job of one small function keeps 20 KB in place of a megabyte.
 */
export function compactTables({ sections, symbols, pool }: GraphTables, resolution: SymbolResolution): void {
  const { count } = sections;
  if (WASTE * count < sections.kind.length) {
    sections.kind = sections.kind.slice(0, count);
    sections.graph = sections.graph.slice(0, count);
    sections.content = sections.content.slice(0, count);
    sections.size = sections.size.slice(0, count);
    sections.alignment = sections.alignment.slice(0, count);
    sections.name = sections.name.slice(0, count);
    sections.relocations = sections.relocations.slice(0, count);
    sections.relocationCount = sections.relocationCount.slice(0, count);
    sections.address = sections.address.slice(0, count);
  }
  const rows = symbols.count;
  if (WASTE * rows < symbols.section.length) {
    symbols.section = symbols.section.slice(0, rows);
    symbols.value = symbols.value.slice(0, rows);
    symbols.id = symbols.id.slice(0, rows);
    symbols.info = symbols.info.slice(0, rows);
  }
  pool.compact();
  resolution.compact();
}
