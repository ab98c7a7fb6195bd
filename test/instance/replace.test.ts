import assert from "node:assert/strict";
import { test } from "node:test";
import { importFunction, instantiate } from "slablink";
import { everyMode, modes } from "./modes.ts";

const first = {
  name: "step.c",
  source: "static int calls; int step(int x) { calls++; return x + 1; } int count(void) { return calls; }",
};
const second = {
  name: "step.c",
  source: "static int calls; int step(int x) { calls++; return x * 10; } int count(void) { return calls; }",
};
const caller = { name: "caller.c", source: "int step(int); int twice(int x) { return step(step(x)); }" };
const exports = { step: "int step(int)", twice: "int twice(int)", count: "int count(void)" } as const;

for (const mode of everyMode) {
  test(`${mode}: a function is exchanged for everybody who calls it, and variables keep their values`, async () => {
    const instance = await instantiate([first, caller], { ...modes[mode], exports, replaceable: true });
    try {
      const { exports: f } = instance;
      assert.deepEqual([await f.step.async(1), await f.twice.async(1)], [2, 3]);
      const address = instance.address("step");
      const done = await instance.replace(second);
      assert.deepEqual(done.replaced.toSorted(), ["count", "step"]);
      assert.deepEqual([await f.step.async(1), await f.twice.async(1), f.step.sync(2)], [10, 100, 20]);
      assert.equal(await f.count.async(), 7);
      assert.equal(instance.address("step"), address, "a function is where it was");

      await assert.rejects(
        instance.replace({ name: "step.c", source: "int step(int x) { return missing(x); } int missing(int);" }),
        {
          code: "undefined-symbol",
        },
      );
      assert.equal(await f.step.async(3), 30, "what cannot be linked changes nothing");
    } finally {
      await instance.dispose();
    }
  });
}

/** A version of step() that passes its argument to `name`. */
const through = (name: string, factor = 1) => ({
  name: "step.c",
  source: `int ${name}(int); int step(int x) { return ${factor} * ${name}(x); } int count(void) { return 0; }`,
});

for (const mode of everyMode) {
  test(`${mode}: a version may have imports of its own, and others under names that there are`, async () => {
    const imports = { host: importFunction("int host(int)", (x) => x + 100) };
    const options = { ...modes[mode], exports, replaceable: true, imports };
    const instance = await instantiate([through("host"), caller], options);
    try {
      const { step, twice } = instance.exports;
      assert.equal(await step.async(1), 101);
      const seen: number[] = [];
      const note = importFunction("int note(int)", (x) => seen.push(x));
      await assert.rejects(instance.replace(through("note")), { code: "undefined-symbol" });
      const both = `int note(int); int host(int); int step(int x) { return note(x) + host(x); } int count(void) { return 0; }`;
      await instance.replace({ name: "step.c", source: both }, { imports: { ...imports, note } });
      assert.deepEqual([await step.async(1), seen], [102, [1]]);

      // One that cannot be linked leaves everything, and what it was given is not known afterwards.
      const unknown = { imports: { host: importFunction("int host(int)", () => 0), here: 4096 } };
      await assert.rejects(instance.replace(through("missing"), unknown), { code: "undefined-symbol" });
      await assert.rejects(instance.replace(through("here")), { code: "undefined-symbol" });
      assert.deepEqual([await step.async(1), seen], [103, [1, 1]]);

      const other = { host: importFunction("int host(int)", (x) => -x) };
      await instance.replace(through("host"), { imports: other });
      assert.deepEqual([await step.async(7), await twice.async(7)], [-7, 7]);
      // Without being given again.
      await instance.replace(through("host", 10));
      assert.equal(await step.async(7), -70);
      await instance.replace(through("note"));
      assert.equal(await step.async(5), 3);
      // An address takes the place of a function, and a function that of an address.
      await instance.replace(through("host"), { imports: { host: instance.address("twice") } });
      await instance.replace({
        ...through("host"),
        source: "int host(int); int step(int x) { return x > 9 ? x : host(x + 9); } int count(void) { return 0; }",
      });
      assert.equal(await step.async(1), 10);
      await instance.replace(through("host"), { imports });
      assert.equal(await step.async(1), 101);
    } finally {
      await instance.dispose();
    }
  });
}

test("a restarted executor has the imports of all versions", async () => {
  const options = { isolated: true, restart: true, exports, replaceable: true } as const;
  const instance = await instantiate([first, caller], options);
  try {
    await instance.replace(through("note"), { imports: { note: importFunction("int note(int)", (x) => x * 3) } });
    await instance.replace(through("note", 2));
    await instance.session.restart();
    assert.deepEqual([await instance.exports.step(4), await instance.exports.twice(1)], [24, 36]);
  } finally {
    await instance.dispose();
  }
});

test("a restarted executor has the last version", async () => {
  const instance = await instantiate([first, caller], { isolated: true, restart: true, exports, replaceable: true });
  try {
    await instance.replace(second);
    await instance.session.restart();
    assert.equal(await instance.exports.step(4), 40);
    assert.equal(await instance.exports.count(), 1);
  } finally {
    await instance.dispose();
  }
});

test("what is to be replaced has to be told, and to be replaceable", async () => {
  const fixed = await instantiate([first, caller], { exports });
  await assert.rejects(fixed.replace(second), { code: "usage", message: /replaceable: true/ });
  await fixed.dispose();
  const instance = await instantiate([first, caller], { exports, replaceable: true });
  await assert.rejects(instance.replace({ name: "other.c", source: "int step(int x) { return x; }" }), {
    code: "usage",
    message: /other\.c is none of the module's objects: step\.c, caller\.c/,
  });
  await instance.dispose();
});
