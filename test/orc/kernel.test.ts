import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { Archive } from "../../src/formats/archive.ts";
import { kernelCode } from "../../src/kernel/kernel.ts";
import { endThreads, startThreads } from "../../src/kernel/threads.ts";
import { randomNumbers } from "../formats/archive-fixture.ts";
import { undefinedNamesOf } from "../link/externals-of.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { damage, objects, renamed } from "./mutants.ts";
import { isLinked, withKernel, withoutKernel } from "./outcome.ts";

const MUTANTS = Number(process.env.MUTANTS ?? 300);
const SEED = Number(process.env.SEED ?? 20_261_122);
const ROOM = 1 << 24;

/** An interpreter of 178 objects, from Debian's libpython3.11-dev. */
const python = "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11-pic.a";

after(() => endThreads());

for (const [name, words, file, text] of objects) {
  test(`the kernel makes of an object and its mutants what the other code makes of them: ${name}`, async (t) => {
    if (!has(t, words[0])) return;
    const path = await compile(words, file, text);
    const bytes = readFileSync(path);
    const companions = name.includes("COMDAT") ? [await compile([...words, ...renamed], `other-${file}`, text)] : [];
    const undefinedNames = await undefinedNamesOf([...companions, path]);
    // Functions lie too far away for 32 bits.
    const externals = Object.fromEntries(
      Object.entries(undefinedNames).map(([each, address]) => {
        const isFunction = /^(printf$|_Z[^T])/.test(each);
        return [each, isFunction ? 0x7f00_0000_0000 + address : address];
      }),
    );
    const random = randomNumbers(SEED);
    let linked = 0;
    for (let n = 0; n < MUTANTS; n++) {
      const inputs = [...companions, ByteReader.of(n === 0 ? bytes : damage(bytes, random), "mutant.o")];
      const expected = await withoutKernel(inputs, { externals, room: ROOM });
      if (isLinked(expected)) linked++;
      else assert.notEqual(n, 0, expected);
      assert.equal(await withKernel(inputs, { externals, room: ROOM }), expected, `mutant ${n} of seed ${SEED}`);
    }
    assert.ok(linked > MUTANTS / 50 && linked < MUTANTS, `${linked} linked`);
    assert.notEqual(kernelCode.exports, undefined, "the kernel was not used");
  });
}

test("any number of threads writes the same bytes", async (t) => {
  if (!existsSync(python)) {
    if (process.env.CI) assert.fail(`${python} is missing: apt-get install libpython3.11-dev`);
    t.skip("apt-get install libpython3.11-dev");
    return;
  }
  const archive = Archive.read(ByteReader.of(readFileSync(python), python));
  const inputs = [...archive.members()].map((member) => member.window());
  const externals = await undefinedNamesOf(inputs);
  const expected = await withoutKernel(inputs, { externals, room: 1 << 28 });
  assert.match(expected, /^\{"hash"/);
  assert.equal(await withKernel(inputs, { externals, room: 1 << 28 }), expected);
  for (const threads of [2, 3, 5]) {
    // A thread that is not there yet takes no part, and then this would show nothing.
    const started = startThreads(threads)!;
    while (started.idle < threads - 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const calls: string[] = [];
    const { callAll } = started;
    started.callAll = (function_, values) => {
      const made = callAll.call(started, function_, values);
      calls.push(...made.map(() => function_.name));
      return made;
    };
    assert.equal(await withKernel(inputs, { externals, room: 1 << 28 }, threads), expected, `${threads} threads`);
    started.callAll = callAll;
    // Reading, copying and applying, each by all threads.
    assert.equal(new Set(calls).size, 3, `threads were given ${calls.join(", ")}`);
    assert.equal(calls.length, 3 * (threads - 1));
    await endThreads();
  }
});
