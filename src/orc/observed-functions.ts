import { isOfEveryProcess } from "../inputs/runtime-libraries.ts";
import { ExternalKind } from "../link/externals.ts";
import { type ExternalNames, kindOfSymbol } from "./external-names.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** By these a program asks for addresses of functions by name. */
const lookups = ["dlsym", "dlvsym"];

/** How others than the program come to know addresses of functions from outside. */
export interface Observation {
  /** The program looks names up at run time. */
  readonly byLookup: boolean;
  /** Libraries among its inputs hold the addresses of these, by identifier. */
  readonly held: ReadonlySet<number>;
}

/**
 * Finds the functions from outside, of which the program could compare its own idea of the address with another's. Names of
 * the process are among them whatever they stand for.
 */
export function observedFunctions(resolution: SymbolResolution, external: ExternalNames): Observation {
  const { pool } = resolution.tables;
  const byLookup = lookups.some((name) => (resolution.references[pool.findString(name)] ?? 0) !== 0);
  const held = new Set<number>();
  const libraries = external.libraries.filter(({ library }) => !isOfEveryProcess(library.soname));
  if (libraries.length === 0) return { byLookup, held };
  const wanted = new Set<number>();
  for (const { id, symbol } of external.fromLibraries) {
    if (kindOfSymbol(symbol.type) === ExternalKind.function) wanted.add(id);
  }
  for (const { id, kind } of external.known) if (kind === ExternalKind.unknown) wanted.add(id);
  for (const { library } of libraries) {
    library.forEachAddressTaken((names, at) => {
      const id = pool.intern(names.view, names.start + at, names.start + names.length);
      if (wanted.has(id)) held.add(id);
    });
  }
  return { byLookup, held };
}
