import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, instantiate } from "slablink";
import { everyMode, isolatedModes, modes } from "./modes.ts";

const source = `
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
int made;
__attribute__((constructor)) static void make(void) { made = 7; }
long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int was_made(void) { return made; }
struct point { double x; int y; };
struct point flip(struct point p) { p.x = -p.x; p.y++; return p; }
const char *greet(const char *name) { static char text[100]; snprintf(text, sizeof text, "hello %s", name); return text; }
double sum(const double *values, int count) { double s = 0; for (int i = 0; i < count; i++) s += values[i]; return s; }
void fill(unsigned char *bytes, int count) { for (int i = 0; i < count; i++) bytes[i] = (unsigned char)(i * 3); }
unsigned long long biggest(void) { return ~0ull; }
long long negative(void) { return -(1ll << 62); }
_Bool invert(_Bool value) { return !value; }
float half(float value) { return value / 2; }
int join(char *into, const char *format, ...) {
  va_list list; va_start(list, format); int n = vsnprintf(into, 64, format, list); va_end(list); return n;
}
void *echo(void *address) { return address; }
void nothing(void) {}
`;
const module = await compile({ name: "calls.c", source });

const exports = {
  fib: { arguments: ["int32"], return: "int64" },
  was_made: "int was_made(void)",
  flip: "struct point { double x; int y; }; struct point flip(struct point)",
  greet: "const char *greet(const char *)",
  sum: "double sum(const double *, int)",
  fill: "void fill(unsigned char *, int)",
  biggest: { return: "uint64" },
  negative: { return: "int64" },
  invert: { arguments: ["bool"], return: "bool" },
  half: { arguments: ["float"], return: "float" },
  join: { arguments: ["pointer", "string"], return: "int", variadic: true },
  echo: { arguments: ["pointer"], return: "pointer" },
  nothing: {},
} as const;

for (const mode of everyMode) {
  test(`${mode}: functions take and give every kind of value, at once and later`, async () => {
    const instance = await instantiate(module, { ...modes[mode], exports });
    try {
      const { exports: f } = instance;
      for (const form of ["sync", "async"] as const) {
        assert.equal(await f.fib[form](20), 6765);
        assert.equal(await f.was_made[form](), 7, "the constructor has run");
        assert.deepEqual(await f.flip[form]({ x: 1.5, y: 2 }), { x: -1.5, y: 3 });
        assert.equal(await f.sum[form](new Float64Array([1, 2, 3.5]), 3), 6.5);
        const bytes = new Uint8Array(5);
        await f.fill[form](bytes, 5);
        assert.deepEqual([...bytes], [0, 3, 6, 9, 12]);
        assert.equal(await f.biggest[form](), 2n ** 64n - 1n);
        assert.equal(await f.negative[form](), -(2n ** 62n));
        assert.equal(await f.invert[form](true), false);
        assert.equal(await f.half[form](3), 1.5);
        assert.equal(await f.echo[form](0x1234_5678_9abc), 0x1234_5678_9abc);
        assert.equal(await f.echo[form](null), 0);
        assert.equal(await f.nothing[form](), undefined);
      }
      assert.equal(await f.greet.async("you"), "hello you");
      const text = new Uint8Array(64);
      assert.equal(await f.join.async(text, "%d %s %.1f", 42, "and", ["double", 2]), 10);
      assert.equal(Buffer.from(text).toString("latin1", 0, 10), "42 and 2.0");
      const plain = f.fib(10);
      assert.equal(plain instanceof Promise, modes[mode].isolated);
      assert.equal(await plain, 55);
    } finally {
      await instance.dispose();
    }
  });

  test(`${mode}: values that do not fit are refused with both numbers, and nothing is called`, async () => {
    const instance = await instantiate(module, { ...modes[mode], exports });
    try {
      const f = instance.exports as unknown as Record<string, { sync: (...values: unknown[]) => unknown }>;
      assert.throws(() => f.fib!.sync(2 ** 31), {
        name: "RangeError",
        message: /2147483648 .*\[-2147483648, 2147483647\]/,
      });
      assert.throws(() => f.fib!.sync("1"), TypeError);
      assert.throws(() => f.fib!.sync(1.5), RangeError);
      assert.throws(() => f.fib!.sync(), { name: "TypeError", message: /1 argument, 0 are given/ });
      assert.throws(() => f.invert!.sync(1), TypeError);
      assert.throws(() => f.flip!.sync({ x: 1 }), TypeError);
    } finally {
      await instance.dispose();
    }
  });
}

test("by messages: `sync` says that it is for its variable arguments that a function is called asynchronously first", async () => {
  await using instance = await instantiate(module, { ...modes["isolated, by messages"], exports });
  const { join } = instance.exports;
  const text = new Uint8Array(64);
  assert.throws(() => join.sync(text, "%d", 42), {
    code: "executor",
    message: /^the executor's memory is not shared, so .* with variable arguments of these types before .* by `sync`$/,
  });
  assert.equal(await join.async(text, "%d", 42), 2);
  assert.equal(join.sync(text, "%d", 421), 3);
});

test("in this process: a function takes large structures and strings on this thread", async () => {
  const instance = await instantiate(
    {
      name: "large.c",
      source: `
        #include <string.h>
        struct large { double v[100]; };
        struct large twice(struct large l) { for (int i = 0; i < 100; i++) l.v[i] *= 2; return l; }
        long length(const char *text) { return text ? strlen(text) : -1; }`,
    },
    {
      exports: {
        twice: {
          arguments: [{ struct: { v: { array: "double", length: 100 } } }],
          return: { struct: { v: { array: "double", length: 100 } } },
        },
        length: "long length(const char *)",
      },
    },
  );
  try {
    const v = Array.from({ length: 100 }, (_, i) => i);
    assert.deepEqual(instance.exports.twice({ v }), { v: v.map((i) => 2 * i) });
    assert.equal(instance.exports.length("x".repeat(100_000)), 100_000);
    assert.equal(instance.exports.length("äöü"), 6);
    assert.equal(instance.exports.length(null), -1);
  } finally {
    await instance.dispose();
  }
});

for (const mode of isolatedModes) {
  test(`${mode}: calls run side by side`, async () => {
    const instance = await instantiate(
      {
        name: "meet.c",
        source: `
          #include <stdatomic.h>
          #include <sched.h>
          static atomic_int here;
          int meet(int count) { here++; while (here < count) sched_yield(); return here; }`,
      },
      { ...modes[mode], exports: { meet: "int meet(int)" } },
    );
    try {
      assert.deepEqual(await Promise.all([1, 2, 3, 4].map(() => instance.exports.meet.async(4))), [4, 4, 4, 4]);
    } finally {
      await instance.dispose();
    }
  });
}
