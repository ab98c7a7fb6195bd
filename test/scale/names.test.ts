import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Flags, ObjectWriter } from "../../bench/scale/object-writer.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { buildLinkGraph } from "../../src/formats/elf/build-link-graph.ts";
import { STT_FUNC, STT_OBJECT, STT_TLS } from "../../src/formats/elf/constants.ts";
import { GraphTables } from "../../src/graph/graph-tables.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { FunctionsOfGraph } from "../../src/orc/functions-of-graph.ts";
import { JITDylib } from "../../src/orc/jit-dylib.ts";
import type { MaterializationContext } from "../../src/orc/link-job.ts";
import { materialize } from "../../src/orc/materialize.ts";
import { SymbolResolution } from "../../src/orc/symbol-resolution.ts";
import { threadLocalMismatches, undefinedSymbols } from "../../src/orc/undefined-symbols.ts";
import { countingReads } from "./work.ts";

const readerOf = (object: ObjectWriter, name = "a.o"): ByteReader => ByteReader.of(object.bytes(), name);

/** An object that refers to names; a function around each reference. */
function referringTo(names: readonly string[]): ObjectWriter {
  const object = new ObjectWriter();
  const section = object.section(".text", new Uint8Array(8 * names.length), { flags: Flags.code, alignment: 8 });
  names.forEach((name, i) => {
    object.symbol(`user_of_${name}`, { section, value: 8 * i, size: 8, type: STT_FUNC });
    object.relocate(section, 8 * i, 1, object.symbol(name));
  });
  return object;
}

describe("very many wrong names", () => {
  test("a message names a hundred undefined symbols and counts the others; the error has all", () => {
    const names = Array.from({ length: 250 }, (_, i) => `missing${`${i}`.padStart(3, "0")}`);
    const tables = new GraphTables();
    buildLinkGraph(tables, readerOf(referringTo(names)));
    const error = undefinedSymbols(
      tables,
      names.map((name) => tables.pool.internString(name)),
    );
    assert.equal(error.symbols.length, 250);
    assert.deepEqual(error.symbols[249]!.references, [
      { file: "a.o", section: ".text", offset: 8 * 249, functionName: "user_of_missing249" },
    ]);
    const lines = error.message.split("\n");
    assert.equal(lines.length, 201);
    assert.deepEqual(lines.slice(198), [
      "undefined symbol: missing099",
      ">>> referenced by a.o:(user_of_missing099)",
      "… and 150 more undefined symbols",
    ]);
  });

  test("a hundred are all named", () => {
    const names = Array.from({ length: 100 }, (_, i) => `missing${i}`);
    const tables = new GraphTables();
    buildLinkGraph(tables, readerOf(referringTo(names)));
    const { message } = undefinedSymbols(
      tables,
      names.map((name) => tables.pool.internString(name)),
    );
    assert.equal(message.match(/undefined symbol/g)!.length, 100);
    assert.doesNotMatch(message, /more/);
  });

  test("the objects are gone through once, however many names are thread-local in one place only", () => {
    const readsFor = (count: number): number => {
      const tables = new GraphTables();
      const [first, second] = [new ObjectWriter(), new ObjectWriter()];
      const section = first.section(".data", new Uint8Array(4 * count), { flags: Flags.data, alignment: 4 });
      for (let i = 0; i < count; i++) {
        first.symbol(`n${i}`, { section, value: 4 * i, size: 4, type: STT_OBJECT });
        second.symbol(`n${i}`, { type: STT_TLS });
      }
      buildLinkGraph(tables, readerOf(first, "first.o"));
      buildLinkGraph(tables, readerOf(second, "second.o"));
      const ids = Array.from({ length: count }, (_, i) => tables.pool.internString(`n${i}`));
      const { array, reads } = countingReads(tables.symbols.id);
      tables.symbols.id = array;
      const { message } = threadLocalMismatches(tables, ids);
      assert.match(message, />>> as thread-local referenced by second.o\n>>> as an ordinary symbol defined in first.o/);
      return reads();
    };
    const once = readsFor(50);
    assert.ok(once >= 100);
    assert.ok(readsFor(100) <= 2 * once);
  });

  test("references are renamed in one pass, however many names", () => {
    const readsFor = (count: number): number => {
      const tables = new GraphTables();
      const names = Array.from({ length: count }, (_, i) => `from${i}`);
      const resolution = new SymbolResolution(tables);
      resolution.add(buildLinkGraph(tables, readerOf(referringTo(names))));
      const from = names.map((name) => tables.pool.internString(name));
      const to = names.map((name) => tables.pool.internString(`${name}@to`));
      const { array, reads } = countingReads(tables.symbols.id);
      tables.symbols.id = array;
      resolution.rename(new Map(from.map((id, i) => [id, to[i]!])));
      assert.deepEqual(
        from.map((id) => resolution.references[id]),
        names.map(() => 0),
      );
      assert.ok(to.every((id) => resolution.references[id] !== 0 && array.includes(id)));
      return reads();
    };
    const once = readsFor(50);
    assert.ok(once >= 100);
    assert.ok(readsFor(100) <= 2.1 * once);
  });
});

/** Functions of one section: start and size. */
const extents = fc.array(fc.tuple(fc.nat(40), fc.nat(20)), { minLength: 1, maxLength: 12 });

describe("which function a place belongs to", () => {
  test("is what a search through all of them says: the last that begins before it, of equals the first", () => {
    fc.assert(
      fc.property(extents, extents, fc.nat(70), (own, others, offset) => {
        const object = new ObjectWriter();
        const sections = [".text", ".text.other"].map((name) =>
          object.section(name, new Uint8Array(64), { flags: Flags.code, alignment: 1 }),
        );
        [own, others].forEach((list, which) => {
          list.forEach(([value, size], i) => {
            object.symbol(`f${which}_${i}`, { section: sections[which], value, size, type: STT_FUNC });
          });
        });
        const graph = buildLinkGraph(new GraphTables(), readerOf(object));
        let best = -1;
        own.forEach(([start, size], i) => {
          if (offset < start || offset >= start + size) return;
          if (best < 0 || start > own[best]![0]) best = i;
        });
        const found = new FunctionsOfGraph(graph).at(graph.firstSection + sections[0]!, offset);
        assert.equal(found, best < 0 ? undefined : `f0_${best}`);
      }),
      { numRuns: 500 },
    );
  });
});

test("as many objects as nobody passes to one function are added again when their link fails", async () => {
  const dylib = new JITDylib("main");
  const damaged = ByteReader.of(new Uint8Array(64), "damaged.o");
  const count = 200_000;
  for (let i = 0; i < count; i++) dylib.addObject(damaged);
  const context = { pool: new SymbolStringPool(), epc: {} } as unknown as MaterializationContext;
  await assert.rejects(materialize(dylib, [], context), { code: "format" });
  assert.equal(dylib.pending.length, count);
});
