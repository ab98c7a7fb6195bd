import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { compile, instantiate, LinkError, ObjectFormatError } from "slablink";
import { mustRun } from "../support/compile.ts";
import { objectOf } from "../support/source.ts";
import { freshDirectory } from "../support/workspace.ts";
import { everyMode, modes, openSession } from "./modes.ts";

const text = `
  double table[16] = {1}; static int hidden; extern int other(int); int zero[1000];
  __thread int local; __attribute__((weak)) int soft(void) { return 1; }
  __attribute__((visibility("hidden"))) int own(void) { return hidden; }
  int f(int x) { return other(x) + own() + local; }`;

test("a module tells its imports, exports and sections without being linked", async () => {
  const module = await compile({ name: "parts.c", source: text });
  assert.deepEqual(
    module.imports.map(({ name }) => name),
    ["other"],
  );
  const exports = Object.fromEntries(
    module.exports.map(({ name, kind, size, isWeak }) => [name, { kind, size, isWeak }]),
  );
  assert.deepEqual(exports.table, { kind: "variable", size: 128, isWeak: false });
  assert.deepEqual(exports.zero, { kind: "variable", size: 4000, isWeak: false });
  assert.equal(exports.local?.kind, "thread-local");
  assert.equal(exports.soft?.isWeak, true);
  assert.equal(exports.f?.kind, "function");
  assert.equal("own" in exports, false);
  assert.equal("hidden" in exports, false);
  const kinds = new Map(module.sections.map(({ name, kind }) => [name, kind]));
  assert.equal(kinds.get(".text"), "code");
  assert.equal(kinds.get(".data"), "data");
  assert.equal(kinds.get(".bss"), "zero-fill");
  assert.deepEqual(module.files, ["parts.c"]);
});

test("inputs are paths, URLs, bytes with and without a name, archives, sources and libraries", async () => {
  const directory = freshDirectory();
  const [one, two, three] = await Promise.all([
    objectOf("int one(void) { return 1; }", [], "one.c"),
    objectOf("int two(void) { return 2; }", [], "two.c"),
    objectOf("int three(void) { return 3; }", [], "three.c"),
  ]);
  const archive = join(directory, "libthree.a");
  await mustRun("ar", ["rcs", archive, three]);
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "src", "four.h"), "#define FOUR 4\n");
  writeFileSync(join(directory, "src", "four.c"), '#include "four.h"\nint four(void) { return FOUR; }\n');
  const five = {
    name: join(directory, "src", "five.c"),
    source: '#include "four.h"\nint five(void) { return FOUR + 1; }',
  };
  const six = { name: "six.cc", source: 'extern "C" int six() { try { throw 6; } catch (int n) { return n; } }' };
  const seven = { name: "seven.s", source: ".globl seven\nseven: mov $7, %eax\nret\n.section .note.GNU-stack" };
  const numbers = ["one", "two", "three", "four", "five", "six", "seven"] as const;
  const signature = { return: "int" } as const;
  const instance = await instantiate(
    [
      pathToFileURL(one),
      readFileSync(two),
      { name: "libthree.a", bytes: readFileSync(archive) },
      join(directory, "src", "four.c"),
      five,
      six,
      seven,
      { name: "root.c", source: "#include <math.h>\ndouble root(double x) { return cbrt(x); }" },
      "-lm",
    ],
    {
      exports: {
        ...(Object.fromEntries(numbers.map((name) => [name, signature])) as Record<
          (typeof numbers)[number],
          typeof signature
        >),
        root: "double root(double)",
      },
    },
  );
  assert.deepEqual(
    numbers.map((name) => instance.exports[name]()),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.ok(Math.abs(instance.exports.root(27) - 3) < 1e-9);
  await instance.dispose();
});

test("what cannot be read or compiled is an error that names it", async () => {
  await assert.rejects(compile("missing.o"), { code: "file", message: /missing\.o/ });
  await assert.rejects(compile(new URL("file:///nowhere/missing.c")), {
    code: "file",
    message: "/nowhere/missing.c: no such file",
  });
  await assert.rejects(compile(new URL("https://example.org/a.o")), { code: "ERR_INVALID_URL_SCHEME" });
  await assert.rejects(compile({ name: "junk.o", bytes: Buffer.from("\x7fELF junk") }), (error) => {
    assert.ok(error instanceof ObjectFormatError);
    assert.equal(error.file, "junk.o");
    return true;
  });
  await assert.rejects(compile({ name: "bad.c", source: "int f( {" }), (error: LinkError) => {
    assert.ok(error instanceof LinkError);
    assert.match(error.message, /bad\.c: the compiler .* failed with exit status 1\n.*error: /s);
    return true;
  });
  await assert.rejects(compile({ name: "x.c" } as never), { name: "TypeError", message: /input 1 is none of/ });
  await assert.rejects(
    compile({ name: "x.c", source: "int x;" }, { environment: { ...process.env, CC: "no-such-cc" } }),
    {
      message: /no-such-cc cannot be started/,
    },
  );
});

test("nothing is written to the disk", async () => {
  const directory = freshDirectory();
  const environment = { ...process.env, TMPDIR: join(directory, "missing") };
  const module = await compile({ name: "quiet.c", source: "int quiet(void) { return 1; }" }, { environment });
  const instance = await instantiate(module, { exports: { quiet: "int quiet(void)" } });
  assert.equal(instance.exports.quiet(), 1);
  await instance.dispose();
});

test("one module can be instantiated many times, each with variables of its own", async () => {
  const module = await compile({ name: "count.c", source: "static int n; int next(void) { return ++n; }" });
  const exports = { next: "int next(void)" } as const;
  const [a, b] = await Promise.all([instantiate(module, { exports }), instantiate(module, { exports })]);
  assert.deepEqual([a.exports.next(), a.exports.next(), b.exports.next()], [1, 2, 1]);
  await a.dispose();
  assert.equal(b.exports.next(), 2);
  await b.dispose();
});

test("instances that come and go side by side in one executor do not get each other's addresses too early", async () => {
  const session = await openSession("isolated");
  const module = await compile({ name: "next.c", source: "static int at; int next(void) { return ++at; }" });
  const exports = { next: "int next(void)" } as const;
  const comeAndGo = async (): Promise<void> => {
    for (let i = 0; i < 80; i++) {
      const instance = await instantiate(module, { session, exports });
      assert.equal(await instance.exports.next.async(), 1);
      await instance.dispose();
    }
  };
  await Promise.all(Array.from({ length: 8 }, comeAndGo));
  await session.dispose();
});

for (const mode of everyMode) {
  test(`${mode}: instances of a session can be linked with each other, and are after a restart`, async () => {
    const session = await openSession(mode, { restart: true });
    const base = await instantiate(
      { name: "base.c", source: "int shared = 1; int add(int x) { return x + shared; }" },
      { session, exports: { add: "int add(int)" } },
    );
    const user = await instantiate(
      { name: "user.c", source: "extern int shared; int add(int); int use(int x) { shared = 10; return add(x); }" },
      { session, link: [base], exports: { use: "int use(int)" } },
    );
    assert.equal(await user.exports.use.async(5), 15);
    assert.equal(await base.exports.add.async(1), 11);
    const alone = { name: "alone.c", source: "int add(int); int twice(int x) { return 2 * add(x); }" };
    // No instance finds another one's code by itself, of whichever session it is.
    for (const where of [{ session }, modes[mode]]) {
      await assert.rejects(instantiate(alone, where), { code: "undefined-symbol", message: /: add\n.*alone\.c/s });
    }
    if (session.isolated) {
      await session.restart();
      assert.equal(await base.exports.add.async(1), 2);
      assert.equal(await user.exports.use.async(5), 15);
    }
    await session.dispose();
    await assert.rejects(instantiate({ name: "n.c", source: "int n;" }, { link: [base] }), { code: "usage" });
  });

  test(`${mode}: memory is viewed by variables and by addresses`, async () => {
    const instance = await instantiate(
      {
        name: "view.c",
        source: `#include <stdlib.h>
          double table[4] = {1, 2, 3, 4}; const int fixed = 5; int *make(void) { int *p = malloc(8); p[0] = 7; p[1] = 8; return p; }
          double get(int i) { return table[i]; } int second(int *p) { return p[1]; }`,
      },
      { ...modes[mode], exports: { make: "int *make(void)", get: "double get(int)", second: "int second(int *)" } },
    );
    const table = instance.view("table", Float64Array);
    assert.equal(table.length, 4);
    assert.equal(table[2], 3);
    table[2] = 2.5;
    assert.equal(await instance.exports.get.async(2), 2.5);
    const made = await instance.exports.make.async();
    const numbers = instance.view(made, Int32Array, 2);
    assert.deepEqual([numbers[0], numbers[1]], [7, 8]);
    numbers[1] = 9;
    assert.equal(await instance.exports.second.async(made), 9);
    assert.throws(() => instance.view("table", Float64Array, 5), { name: "RangeError", message: /40 bytes.* 32/ });
    assert.throws(() => instance.view(made + 1, Int32Array, 1), RangeError);
    assert.throws(() => instance.view("fixed", Int32Array), { code: "usage", message: /read-only/ });
    assert.throws(() => instance.view("tables", Float64Array), { code: "undefined-symbol", message: /table/ });
    await instance.dispose();
  });
}
