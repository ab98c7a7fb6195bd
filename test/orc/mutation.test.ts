import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SlablinkError } from "../../src/errors.ts";
import { definedNames } from "../../src/formats/elf/defined-names.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { randomNumbers } from "../formats/archive-fixture.ts";
import { undefinedNamesOf } from "../link/externals-of.ts";
import { linkPlainly } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { damage, objects, renamed } from "./mutants.ts";

/** Mutants of each object; `MUTANTS=50000` in the environment for a longer search, `SEED` for another. */
const MUTANTS = Number(process.env.MUTANTS ?? 800);
const SEED = Number(process.env.SEED ?? 20_260_101);
/** A mutant that asks for more is refused as a slab would refuse it. */
const ROOM = 1 << 24;
const MOST_MILLISECONDS = 1000;

for (const [name, words, file, text] of objects) {
  test(`mutants of an object end in a clean error or a clean link: ${name}`, async (t) => {
    if (!has(t, words[0])) return;
    const path = await compile(words, file, text);
    const bytes = readFileSync(path);
    // Of C++, another file stands before the mutant and has the same templates, so that groups are dropped.
    const companions = name.includes("COMDAT") ? [await compile([...words, ...renamed], `other-${file}`, text)] : [];
    const externals = await undefinedNamesOf([...companions, path]);
    const random = randomNumbers(SEED);
    const outcomes = { linked: 0, refused: 0 };
    const failures: string[] = [];
    const memoryBefore = process.memoryUsage().rss;
    for (let n = 0; n < MUTANTS && failures.length < 20; n++) {
      const mutant = n === 0 ? bytes : damage(bytes, random);
      const begin = performance.now();
      try {
        const reader = ByteReader.of(mutant, "mutant.o");
        await linkPlainly([...companions, reader], { externals, room: ROOM });
        definedNames(reader, new SymbolStringPool());
        outcomes.linked++;
      } catch (error) {
        if (error instanceof SlablinkError) outcomes.refused++;
        else failures.push(`mutant ${n}: ${(error as Error).stack}`);
      }
      const took = performance.now() - begin;
      if (took > MOST_MILLISECONDS) failures.push(`mutant ${n} took ${took} ms`);
    }
    assert.deepEqual(failures, []);
    // Damage that is never noticed, or always, would mean that this tests nothing.
    assert.ok(outcomes.linked > MUTANTS / 50 && outcomes.refused > MUTANTS / 50, JSON.stringify(outcomes));
    const grown = process.memoryUsage().rss - memoryBefore;
    assert.ok(grown < 1 << 30, `resident memory grew by ${grown} bytes`);
  });
}
