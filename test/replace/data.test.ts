import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import { callInt, readerOf, sessionFor } from "./sessions.ts";

interface Case {
  readonly name: string;
  readonly flags: readonly string[];
  readonly file?: string;
  readonly compilers?: readonly string[];
  readonly before: string;
  readonly after: string;
  /** What the versions' `int get(void)` answer, before and after. */
  readonly results: readonly [number, number];
  readonly warnings?: readonly RegExp[];
}

const sections = ["-O2", "-ffunction-sections", "-fdata-sections"];
const array = "volatile int *volatile p;\nint use(volatile int *q, int n) { p = q; return n; }\n";

const cases: readonly Case[] = [
  {
    name: "a variable is added among others",
    flags: ["-O2"],
    before: "static volatile int a = 1, b = 2; int get(void) { a += 10; b += 20; return a * 100 + b; }",
    after:
      "static volatile int a = 1, new = 7, b = 2; int get(void) { a += 10; new++; b += 20; return a * 10000 + b * 100 + new; }",
    results: [11 * 100 + 22, 21 * 10000 + 42 * 100 + 8],
  },
  {
    name: "variables change places",
    flags: ["-O2", "-fno-pic"],
    before:
      "static volatile long a = 1; static volatile int b = 2; int get(void) { a += 10; b += 20; return a * 100 + b; }",
    after:
      "static volatile int b = 2; static volatile long a = 1; int get(void) { b += 20; a += 10; return a * 100 + b; }",
    results: [1122, 2142],
  },
  {
    name: "an immediate stands behind the displacement",
    flags: ["-O2"],
    before:
      "static volatile char a, b; static volatile int c; int get(void) { a = 1; b = 2; c = 3; return a + b + c; }",
    after:
      "static volatile int c; static volatile char n, b, a; int get(void) { n = 40; int r = a * 100 + b * 10 + c; a = 5; b = 6; c = 7; return r + n; }",
    results: [6, 123 + 40],
  },
  {
    name: "arrays, each in a section of its own",
    flags: sections,
    before: `static volatile int a[4], b[4]; ${array} int get(void) { for (int i = 0; i < 4; i++) a[i]++, b[i] += 2; use(a, 1); return a[0] + b[3]; }`,
    after: `static volatile int c[9], b[4], a[4]; ${array} int get(void) { for (int i = 0; i < 4; i++) a[i]++, b[i] += 2, c[i]++; use(a, 1); use(c, 1); return a[0] * 100 + b[3] * 10 + c[0]; }`,
    results: [3, 241],
  },
  {
    name: "a static variable of a function is numbered anew",
    flags: ["-O1"],
    before: "int get(void) { static int n = 5; return ++n; }",
    after:
      "__attribute__((noinline)) int other(void) { static int k = 100; return ++k; } int get(void) { static int n = 5; return ++n + other(); }",
    results: [6, 7 + 101],
  },
  {
    name: "two of a name cannot be told apart",
    // clang names them by their functions.
    compilers: ["gcc"],
    flags: ["-O1", "-fdata-sections"],
    before: "int f(void) { static int n = 5; return ++n; } int get(void) { static int n = 50; return ++n; }",
    after: "int f(void) { static int n = 5; return ++n; } int get(void) { static int n = 50; return ++n; }",
    results: [51, 51],
    warnings: [
      /several variables are called n: n\.\d begins anew/,
      /several variables are called n: n\.\d begins anew/,
    ],
  },
  {
    name: "a variable becomes larger",
    flags: sections,
    before: "int kept; int grown[2] = { 1, 1 }; int get(void) { return ++kept + ++grown[0]; }",
    after: "int kept; int grown[3] = { 7, 7, 7 }; int get(void) { return ++kept * 100 + ++grown[0]; }",
    results: [3, 208],
    warnings: [/grown has 12 bytes and had 8: it begins anew/],
  },
  {
    name: "common variables",
    flags: ["-O2", "-fcommon"],
    before: "int common; int get(void) { return common += 1; }",
    after: "int common; int get(void) { return common += 10; }",
    results: [1, 11],
  },
  {
    name: "constants are the new version's",
    flags: ["-O2"],
    before:
      'const int limit = 3; static const char *names[2] = { "a", "b" }; int get(void) { return names[1][0] + limit; }',
    after:
      'const int limit = 5; static const char *names[2] = { "c", "d" }; int get(void) { return names[1][0] + limit; }',
    results: [98 + 3, 100 + 5],
  },
  {
    name: "a table of functions",
    flags: sections,
    before:
      "static int f(void) { return 1; } static int g(void) { return 2; } int (*table[2])(void) = { f, g }; int get(void) { return table[0]() * 10 + table[1](); }",
    after:
      "static int g(void) { return 4; } static int f(void) { return 3; } int (*table[2])(void) = { f, g }; int get(void) { return table[0]() * 10 + table[1](); }",
    results: [12, 34],
  },
  {
    name: "C++: inline functions, their variables, members, exceptions and virtual functions",
    flags: sections,
    file: "get.cc",
    before: `struct Base { virtual int value() { return 1; } virtual ~Base() {} static int made; Base() { made++; } };
int Base::made;
inline int shared() { static int n = []{ return 10; }(); return ++n; }
template <class T> T twice(T t) { static T kept; kept += t; if (kept > 1000) throw 5; return kept; }
static Base *base;
extern "C" int get(void) { if (!base) base = new Base; try { twice(999); twice(2); } catch (int e) { return base->value() * 100 + e + shared() + Base::made; } return 0; }`,
    after: `struct Base { virtual int value() { return 2; } virtual ~Base() {} static int made; Base() { made++; } };
int Base::made;
inline int shared() { static int n = []{ return 10; }(); return n += 5; }
template <class T> T twice(T t) { static T kept; kept += t; if (kept > 2000) throw 7; return kept; }
static Base *base;
extern "C" int get(void) { if (!base) base = new Base; try { twice(1); twice(999); } catch (int e) { return base->value() * 100 + e + shared() + Base::made; } return 0; }`,
    results: [100 + 5 + 11 + 1, 200 + 7 + 16 + 1],
  },
];

describe("the variables of a new version are the old ones", () => {
  for (const { name, flags, file = "get.c", before, after, results, ...rest } of cases) {
    const { warnings = [], compilers = ["gcc", "clang-22"] } = rest;
    for (const compiler of compilers) {
      test(`${name} (${compiler})`, async (context) => {
        const { session, dylib } = await sessionFor(context);
        const version = async (text: string) =>
          readerOf(await compile([compiler, ...flags], file, `${text}\n`), "get.o");
        await session.addReplaceableObject(dylib, await version(before));
        const get = (await session.lookup(dylib, ["get"])).get("get")!;
        assert.equal(await callInt(session, get), results[0]);
        const done = await session.replace(dylib, await version(after));
        assert.equal(await callInt(session, get), results[1]);
        assert.equal(done.warnings.length, warnings.length, done.warnings.join("\n"));
        for (const [i, warning] of warnings.entries()) assert.match(done.warnings[i]!, warning);
      });
    }
  }
});

test("what could be the end of one array or the start of the next is refused, and nothing has changed", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const version = async (text: string) =>
    readerOf(await compile(["gcc", "-O2"], "get.c", `${text}\nint get(void) { return *b + *a; }\n`), "get.o");
  await session.addReplaceableObject(dylib, await version("static volatile int a[4] = { 1 }, b[4] = { 2 };"));
  const get = (await session.lookup(dylib, ["get"])).get("get")!;
  await assert.rejects(
    session.replace(dylib, await version("static volatile int b[4] = { 3 }, a[4] = { 4 };")),
    /^LinkError: get\.o:\(\.text\+0x[0-9a-f]+\): the variables of \.data have moved, and which one is at offset 0x[0-9a-f]+ cannot be told: it may .*; compile with -fdata-sections$/,
  );
  assert.equal(await callInt(session, get), 3);
});
