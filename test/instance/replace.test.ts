import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiate } from "slablink";
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
