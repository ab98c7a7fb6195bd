import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compile, type ExecutorError, type Import, type Instance, importFunction, instantiate } from "slablink";
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

for (const mode of everyMode) {
  test(`${mode}: an instance that others are linked with goes after them`, async () => {
    const session = await openSession(mode);
    const twice = { name: "twice.c", source: "int twice(int x) { return 2 * x; }" };
    const four = { name: "four.c", source: "int twice(int); int four(int x) { return twice(twice(x)); }" };
    const first = await instantiate(twice, { session });
    const second = await instantiate(four, { session, link: [first], exports: { four: "int four(int)" } });
    await assert.rejects(first.dispose(), {
      code: "usage",
      message: /^twice\.c.*: other instances are linked with it/,
    });
    assert.equal(await second.exports.four.async(3), 12, "nothing has been done");
    await second.dispose();
    await first.dispose();
    assert.throws(() => first.address("twice"), { code: "usage" });
    await session.dispose();
  });
}

for (const mode of isolatedModes) {
  test(`${mode}: what could not be linked again at a restart can be disposed of`, async () => {
    const session = await openSession(mode);
    const imports: Record<string, Import> = { note: importFunction("void note(void)", () => {}) };
    const source = "void note(void); __attribute__((destructor)) static void end(void) { note(); }";
    const instance = await instantiate({ name: "ends.c", source }, { session, imports });
    delete imports.note;
    await assert.rejects(session.restart(), { code: "undefined-symbol" });
    assert.equal(session.hasEnded, false);
    await instance.dispose();
    await session.dispose();
  });
}
