import type { GraphTables } from "../graph/graph-tables.ts";
import type { Externals } from "../link/externals.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/**
 * Moves what a linked job keeps out of the memory that links work in, into arrays just large enough: a session has thousands of
 * jobs, and only the one that is being linked needs the kernel, and room to grow.
 */
export function detachTables(tables: GraphTables, resolution: SymbolResolution, externals: Externals): void {
  const { sections, symbols } = tables;
  const { count } = sections;
  sections.kind = sections.kind.slice(0, count);
  sections.graph = sections.graph.slice(0, count);
  sections.content = sections.content.slice(0, count);
  sections.size = sections.size.slice(0, count);
  sections.alignment = sections.alignment.slice(0, count);
  sections.name = sections.name.slice(0, count);
  sections.relocations = sections.relocations.slice(0, count);
  sections.relocationCount = sections.relocationCount.slice(0, count);
  sections.address = sections.address.slice(0, count);
  const rows = symbols.count;
  symbols.section = symbols.section.slice(0, rows);
  symbols.value = symbols.value.slice(0, rows);
  symbols.id = symbols.id.slice(0, rows);
  symbols.info = symbols.info.slice(0, rows);
  resolution.detach();
  externals.detach();
  tables.columns.dispose();
  tables.pool.detach();
}
