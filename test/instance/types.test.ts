import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instance, importFunction, instantiate } from "slablink";

/** True where two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_A, _B>(_is: Same<_A, _B>): void => {};

const source = {
  name: "types.c",
  source: `
    struct pair { int a; double b; };
    int add(int a, int b) { return a + b; }
    long wide(long x) { return x; }
    const char *name(void) { return "name"; }
    struct pair swap(struct pair p) { return p; }
    int apply(int (*f)(int), int x) { return f(x); }
    extern int ask(const char *); int asks(void) { return ask("x"); }`,
};
const exports = {
  add: { arguments: ["int32", "int32"], return: "int32" },
  wide: "long wide(long)",
  name: "const char *name(void)",
  swap: { arguments: [{ struct: { a: "int32", b: "double" } }], return: { struct: { a: "int32", b: "double" } } },
  apply: "int apply(int (*)(int), int)",
} as const;
const imports = {
  ask: importFunction("int ask(const char *)", (text) => {
    same<typeof text, string | null>(true);
    return text?.length ?? 0;
  }),
};

/** Never called: what is in it is judged by the compiler alone. */
async function wrong(here: Instance<typeof exports, false>, apart: Instance<typeof exports, true>): Promise<void> {
  // @ts-expect-error: a number is expected.
  here.exports.add("1", 2);
  // @ts-expect-error: two arguments are expected.
  here.exports.add(1);
  // @ts-expect-error: there is no such export.
  here.exports.missing();
  // @ts-expect-error: a Promise is not a number.
  apart.exports.add(1, 2).toFixed();
  // @ts-expect-error: what runs in this process has no limits.
  here.exports.add.with({ timeout: 1 });
  // @ts-expect-error: a member is missing.
  here.exports.swap({ a: 1 });
  // @ts-expect-error: a string is no bigint.
  here.exports.wide("1");
  // @ts-expect-error: the function returns a string.
  here.exports.apply((x: number) => `${x}`, 1);
  // @ts-expect-error: int32 is misspelt.
  await instantiate(source, { exports: { add: { arguments: ["int23"], return: "int32" } } });
  // @ts-expect-error: the import answers a string for an int.
  importFunction("int ask(const char *)", () => "text");
}

test("functions have the types of their signatures, as values here and as Promises from an executor", async () => {
  assert.equal(typeof wrong, "function");
  const here = await instantiate(source, { exports, imports });
  const sum = here.exports.add(1, 2);
  same<typeof sum, number>(true);
  const wide = here.exports.wide(2n ** 60n);
  same<typeof wide, number | bigint>(true);
  const name = here.exports.name();
  same<typeof name, string | null>(true);
  const swapped = here.exports.swap({ a: 1, b: 2 });
  same<typeof swapped, { a: number; b: number }>(true);
  const applied = here.exports.apply((x) => x * 2, 4);
  const later = here.exports.add.async(3, 4);
  same<typeof later, Promise<number>>(true);
  assert.deepEqual([sum, wide, name, swapped, applied, await later], [3, 2n ** 60n, "name", { a: 1, b: 2 }, 8, 7]);
  await here.dispose();

  const apart = await instantiate(source, { isolated: true, exports, imports });
  const promised = apart.exports.add(1, 2);
  same<typeof promised, Promise<number>>(true);
  const waited = apart.exports.add.sync(3, 4);
  same<typeof waited, number>(true);
  assert.deepEqual([await promised, waited], [3, 7]);
  await apart.dispose();
});
