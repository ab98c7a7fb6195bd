// Versions in the names of a relocatable file's symbols, as the assembler's `.symver` writes them (GNU as, "Symver"):
//
//     foo@VER     this version of foo: a reference to it, or a definition that only such references mean
//     foo@@VER    a definition of foo that is its default version as well: it is what `foo` means, and what `foo@VER` means
//
// In a linked file the version is not part of the name but an entry of a table (see shared-library-versions.ts).

import type { SymbolStringPool } from "../../graph/symbol-string-pool.ts";

/** The byte that separates a name from its version. */
export const VERSION_MARK = 0x40;

/** A name with the version that it asks for, if it does. */
export interface VersionedName {
  readonly name: string;
  readonly version: string | undefined;
}

/** Takes `foo@VER` apart; a name without a version, or with nothing on one side of the mark, is left as it is. */
export function splitVersion(text: string): VersionedName {
  const at = text.indexOf("@");
  if (at <= 0 || at + 1 === text.length) return { name: text, version: undefined };
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** For a name `foo@@VER` the identifiers of what else it stands for, `foo` and `foo@VER`; nothing for any other name. */
export function namesOfDefaultVersion(pool: SymbolStringPool, id: number): [name?: number, versioned?: number] {
  const bytes = pool.bytes(id);
  const at = bytes.indexOf(VERSION_MARK);
  if (at <= 0 || bytes[at + 1] !== VERSION_MARK || at + 2 >= bytes.length) return [];
  const text = pool.name(id);
  return [pool.internString(text.slice(0, at)), pool.internString(`${text.slice(0, at)}${text.slice(at + 1)}`)];
}
