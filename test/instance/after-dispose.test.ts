import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compile, type ExecutorError, type Import, type Instance, importFunction, instantiate } from "slablink";
import { fileOf } from "../support/source.ts";
import { children, descriptors } from "./left.ts";
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
    assert.equal(session.hasEnded, true);
    await instance.dispose();
    await session.dispose();
  });
}

const ending = await compile({
  name: "ending.c",
  source: `
    #include <stdlib.h>
    void note(void);
    static int ends_with;
    void end_with(int how) { ends_with = how; }
    int one(void) { return 1; }
    int crash(void) { return *(volatile int *)16; }
    __attribute__((destructor)) static void end(void) {
      note();
      if (ends_with == 1) crash();
      if (ends_with == 2) exit(3);
    }`,
});
const endingExports = { one: "int one(void)", crash: "int crash(void)", end_with: "void end_with(int)" } as const;

for (const mode of isolatedModes) {
  const open = (note = () => {}) =>
    instantiate(ending, {
      ...modes[mode],
      restart: true,
      exports: endingExports,
      imports: { note: importFunction("void note(void)", note) },
    });

  test(`${mode}: what is disposed of while it is being started again leaves no executor and no descriptor`, async () => {
    await (await open()).dispose();
    const [processes, before] = [children(), descriptors()];
    const starts = [
      (instance: Awaited<ReturnType<typeof open>>) => instance.exports.one(),
      (instance: Awaited<ReturnType<typeof open>>) => instance.session.restart(),
    ];
    for (const start of starts) {
      const instance = await open();
      await instance.exports.crash().catch(() => {});
      const started = start(instance);
      const refused = assert.rejects(started, { code: "executor", message: "the session has ended" });
      await instance.dispose();
      await refused;
      assert.deepEqual(children(), processes);
      assert.ok(descriptors() <= before, `${descriptors()} descriptors, ${before} before`);
    }
  });

  test(`${mode}: a session that is disposed of by what it links again ends at once`, async () => {
    let runs = 0;
    const processes = children();
    const session = await openSession(mode);
    const source = `
      void begin(void); __attribute__((constructor)) static void c(void) { begin(); }`;
    const imports = {
      begin: importFunction("void begin(void)", () => {
        if (++runs === 2) void session.dispose();
      }),
    };
    await instantiate({ name: "first.c", source }, { session, imports });
    await instantiate({ name: "second.c", source: "int second(void) { return 2; }" }, { session });
    runs = 1;
    await assert.rejects(session.restart(), { code: "executor", message: "the session has ended" });
    await session.dispose();
    assert.deepEqual(children(), processes);
  });

  test(`${mode}: an instance that is disposed of while its session is started again is taken out of the next executor`, async () => {
    const session = await openSession(mode);
    let notes = 0;
    const imports = { note: importFunction("void note(void)", () => void notes++) };
    const first = await instantiate(ending, { session, imports });
    const second = await instantiate(module, { session, exports });
    const restarted = session.restart();
    await first.dispose();
    await restarted;
    assert.equal(notes, 1);
    assert.equal(await second.exports.next(), 1);
    assert.throws(() => first.address("one"), { code: "usage" });
    await session.dispose();
  });

  test(`${mode}: a crash that is under way is its call's error, not that of dispose`, async () => {
    for (let i = 0; i < 5; i++) {
      const instance = await open();
      const crash = assert.rejects(instance.exports.crash(), { code: "executor" }); // of the crash, or of dispose
      for (let turn = 0; turn < i; turn++) await new Promise(setImmediate);
      await instance.dispose();
      await crash;
    }
  });

  test(`${mode}: what a destructor does to the executor is an error of dispose`, async () => {
    for (const [kind, end] of [
      [1, "SIGSEGV"],
      [2, 3],
    ] as const) {
      const instance = await open();
      await instance.exports.end_with(kind);
      await assert.rejects(instance.dispose(), (error: ExecutorError) => {
        assert.equal(error.signal ?? error.end?.status, end);
        return true;
      });
    }
  });
}

for (const mode of everyMode) {
  test(`${mode}: dispose is over when all is, whoever asks for it`, async () => {
    const session = await openSession(mode);
    let notes = 0;
    const imports = { note: importFunction("void note(void)", () => void notes++) };
    const instance = await instantiate(ending, { session, imports });
    const first = instance.dispose();
    await instance.dispose();
    assert.equal(notes, 1);
    await first;
    const other = await instantiate(ending, { session, imports });
    const both = [other.dispose(), session.dispose()];
    await session.dispose();
    assert.equal(notes, 2);
    await Promise.all(both);
  });
}
