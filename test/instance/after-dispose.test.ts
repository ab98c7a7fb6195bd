import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compile, type ExecutorError, type Instance, instantiate } from "slablink";
import { fileOf } from "../support/source.ts";
import { everyMode, isolatedModes, modes, openSession } from "./modes.ts";

const module = await compile({
  name: "after.c",
  source: `
    int n; struct pair { int x, y; };
    int next(void) { return ++n; }
    struct pair flip(struct pair p) { return (struct pair){p.y, p.x}; }`,
});
const exports = {
  next: "int next(void)",
  flip: "struct pair { int x, y; }; struct pair flip(struct pair)",
} as const;

/** Everything that would reach code or variables which are not there any more. */
async function refusesAll(instance: Instance<typeof exports>, expected: object, byAddress: () => unknown) {
  const { next, flip } = instance.exports as unknown as Record<string, { sync: (...v: unknown[]) => unknown }>;
  assert.throws(() => next!.sync(), expected);
  assert.throws(() => flip!.sync({ x: 1, y: 2 }), expected);
  await assert.rejects(async () => (next as unknown as () => unknown)(), expected);
  await assert.rejects(instance.exports.next.async(), expected);
  await assert.rejects(async () => byAddress(), expected);
  assert.throws(() => instance.view("n", Int32Array), expected);
  await assert.rejects(
    instance.callback("int f(int)", (value) => value),
    expected,
  );
}

for (const mode of everyMode) {
  test(`${mode}: functions and variables of what was disposed of are errors, and others go on`, async () => {
    const session = await openSession(mode);
    const [first, second] = [
      await instantiate(module, { session, exports }),
      await instantiate(module, { session, exports }),
    ];
    const byAddress = (instance: typeof first) => instance.function(instance.address("next"), "int next(void)");
    const [firstNext, secondNext] = [byAddress(first), byAddress(second)];
    assert.equal(await firstNext(), 1);

    await first.dispose();
    await refusesAll(first, { code: "usage", message: /instance has been disposed of/ }, firstNext);
    assert.equal(await second.exports.next.async(), 1);

    await session.dispose();
    await refusesAll(second, { code: "executor", message: "the session has ended" }, secondNext);
    await second.dispose();
  });
}

for (const mode of isolatedModes) {
  test(`${mode}: what the C library has buffered of standard output is written when an instance is disposed of`, () => {
    const program = `
      import { instantiate } from ${JSON.stringify(import.meta.resolve("slablink"))};
      const source = '#include <stdio.h>\\nvoid say(int n) { printf("%d said", n); }';
      const exports = { say: "void say(int)" };
      const instance = await instantiate({ name: "say.c", source }, { ...${JSON.stringify(modes[mode])}, exports });
      await instance.exports.say(7);
      await instance.dispose();`;
    const words = [fileOf("say.mjs", program)];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { timeout: 60_000, encoding: "utf8" });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "7 said", stderr: "" });
  });

  test(`${mode}: a constructor that crashes is told of as any crash is`, async () => {
    const source = "__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; }";
    await assert.rejects(instantiate({ name: "begin.c", source }, modes[mode]), (error: ExecutorError) => {
      assert.equal(error.signal, "SIGSEGV");
      assert.deepEqual(
        error.frames.map((frame) => frame.function),
        ["begin"],
      );
      return true;
    });
  });
}
