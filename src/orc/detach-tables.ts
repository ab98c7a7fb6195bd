import type { GraphTables } from "../graph/graph-tables.ts";
import type { Externals } from "../link/externals.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** Gives back the memory of a job's tables that nobody will look at again. */
export function disposeTables({ columns, pool }: GraphTables): void {
  columns.dispose();
  pool.columns.dispose();
}

/**
 * Moves what a linked job keeps out of the memory that links work in, into arrays just large enough: a session has thousands of
 * jobs, and only the one that is being linked needs the kernel, and room to grow.
 */
export function detachTables(tables: GraphTables, resolution: SymbolResolution, externals: Externals): void {
  tables.sections.detach();
  tables.symbols.detach();
  resolution.detach();
  externals.detach();
  tables.columns.dispose();
  tables.pool.detach();
}
