import assert from "node:assert/strict";
import { test } from "node:test";
import { SymbolName } from "../../src/formats/elf/shared-library-hash.ts";
import { GraphTables } from "../../src/graph/graph-tables.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { FileArena } from "../../src/host/arena.ts";
import { readingOpener } from "../../src/inputs/file-opener.ts";
import { RuntimeLibraries } from "../../src/inputs/runtime-libraries.ts";
import { HashedNames } from "../../src/orc/hashed-names.ts";

/** Names that the mathematical library has, and some that it has not. */
const present = ["cos", "sin", "pow", "exp2f"];
const absent = ["printf", "", "cosine", "Cos", "a_name_longer_than_those_of_the_library"];

function hashed(names: readonly string[]) {
  const tables = new GraphTables(new SymbolStringPool());
  const ids = tables.columns.block(4 * names.length + 8).int32(names.length);
  ids.set(names.map((name) => tables.pool.internString(name)));
  return { ids, tables, all: HashedNames.of(ids, tables.pool, tables.columns) };
}

test("the kernel finds all names that a library has, and none that its hash table excludes", () => {
  const arena = new FileArena();
  const libm = new RuntimeLibraries({ opener: { open: (path) => arena.map(path) } }).find("libm.so.6")!;
  const names = [...absent, ...present, ...absent, ...present];
  const { all } = hashed(names);
  const found = [...all!.candidates(libm)!];
  names.forEach((name, position) => {
    const has = libm.find(new SymbolName(new TextEncoder().encode(name))) !== 0;
    assert.equal(has, present.includes(name), name);
    assert.equal(found.includes(position), has, name);
  });
  all!.release();
  arena.dispose();
});

test("of a library out of the kernel's reach nothing is said", () => {
  const libm = new RuntimeLibraries({ opener: readingOpener }).find("libm.so.6")!;
  assert.equal(hashed(present).all!.candidates(libm), undefined);
});

test("identifiers out of the kernel's reach are not hashed", () => {
  const { ids, tables } = hashed(present);
  assert.equal(HashedNames.of(ids.slice(), tables.pool, tables.columns), undefined);
});
