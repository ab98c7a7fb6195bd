import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { ExternalKind } from "../link/externals.ts";
import { type ExternalNames, kindOfSymbol } from "./external-names.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** By these a program asks for addresses of functions by name. */
const lookups = ["dlsym", "dlvsym"];

/**
 * Functions from outside, of which the program could compare its own idea of the address with another's: all when it looks
 * names up at run time, else those whose addresses the libraries among its inputs hold. By identifier: 1. Undefined when there
 * are none. Names of the process whose kind is not known are among them.
 */
export function observedFunctions(
  resolution: SymbolResolution,
  external: ExternalNames,
  runtime: RuntimeLibraries,
): Uint8Array | undefined {
  const { pool } = resolution.tables;
  const ids: number[] = [];
  for (const { id, symbol } of external.fromLibraries) {
    if (kindOfSymbol(symbol.type) === ExternalKind.function) ids.push(id);
  }
  for (const { id, address, kind } of external.known) {
    if (address !== 0 && kind === ExternalKind.unknown) ids.push(id);
  }
  if (ids.length === 0) return undefined;
  if (lookups.some((name) => (resolution.references[pool.internString(name)] ?? 0) !== 0)) {
    return marked(pool.size, ids);
  }
  const held = new Set<number>();
  for (const { library } of external.libraries) {
    if (runtime.isStandard(library)) continue;
    library.forEachAddressTaken((names, at) => {
      held.add(pool.intern(names.view, names.start + at, names.start + names.length));
    });
  }
  const both = ids.filter((id) => held.has(id));
  return both.length === 0 ? undefined : marked(pool.size, both);
}

function marked(size: number, ids: readonly number[]): Uint8Array {
  const marks = new Uint8Array(size);
  for (const id of ids) marks[id] = 1;
  return marks;
}
