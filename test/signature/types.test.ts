// Types are tested by the compiler: this file does not build when one of them is wrong. What it does at run time is that the same texts
// are read by the parser.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Arguments,
  callLayout,
  type FunctionOf,
  type ImportFunctionOf,
  type PointerArgument,
  type Result,
  resolveSignature,
  type Signature,
  type TypeTable,
  type VariableArgument,
} from "slablink";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Does not compile unless the types are the same. */
function same<A, B>(_: Equal<A, B>): void {}
type Text = string | number | bigint | null;
type Wide = number | bigint;
// biome-ignore lint/suspicious/noExplicitAny: what is not inferred
type Any = any;

/** Reads a signature and gives a function of its type, which checks arguments as a call would and returns nothing. */
function declare<const S extends Signature, const T extends TypeTable = Record<never, never>>(
  signature: S,
  types?: T,
): FunctionOf<S, T> {
  const resolved = resolveSignature(signature, types);
  const layout = callLayout(resolved);
  return ((...values: unknown[]) => {
    const view = new DataView(new ArrayBuffer(layout.blockSize));
    layout.encodeArguments(values, view, 0, { addressOf: () => 0x1000, readString: () => "" });
  }) as unknown as FunctionOf<S, T>;
}

test("arguments and results are inferred from signature objects", () => {
  const sum = { arguments: ["int32", "uint8"], return: "int64" } as const;
  same<Arguments<typeof sum>, [number, number]>(true);
  same<Result<typeof sum>, Wide>(true);
  const point = { struct: { x: "double", y: { array: "float", length: 2 } } } as const;
  const move = { arguments: [point, "bool", "string"], return: point } as const;
  same<Arguments<typeof move>, [{ readonly x: number; readonly y: ArrayLike<number> }, boolean, Text]>(true);
  same<Result<typeof move>, { x: number; y: number[] }>(true);
  const compare = { arguments: ["pointer", "pointer"], return: "int" } as const;
  const sort = { arguments: ["pointer", "size_t", "size_t", { function: compare }] } as const;
  same<
    Arguments<typeof sort>,
    [PointerArgument, Wide, Wide, ((a: number, b: number) => number) | number | bigint | null]
  >(true);
  same<Result<typeof sort>, void>(true);
  same<ImportFunctionOf<{ arguments: ["string"]; return: "bool" }>, (text: string | null) => boolean>(true);
  const print = { arguments: ["string"], return: "int", variadic: true } as const;
  same<Arguments<typeof print>, [Text, ...VariableArgument[]]>(true);
  same<Arguments<Record<never, never>>, []>(true);
  same<Result<Record<never, never>>, void>(true);
});

test("arguments and results are inferred from C text", () => {
  same<Arguments<"double f(int, const void *)">, [number, PointerArgument]>(true);
  same<Result<"double f(int, const void *)">, number>(true);
  same<FunctionOf<"void f(void);">, () => void>(true);
  same<FunctionOf<"int f()">, () => number>(true);
  same<Arguments<"size_t strlen(const char *text)">, [Text]>(true);
  same<Result<"size_t strlen(const char *text)">, Wide>(true);
  same<Result<"const char *name(unsigned long long id)">, string | null>(true);
  same<Result<"char *getenv(char const *)">, number>(true);
  same<
    Arguments<"void f(unsigned char *p, const unsigned char *q, const char **r, char *const s, const char t[4])">,
    [PointerArgument, PointerArgument, PointerArgument, PointerArgument, Text]
  >(true);
  same<Arguments<"_Bool f(bool a, float b, uint32_t c, ssize_t d)">, [boolean, number, number, Wide]>(true);
  same<Result<"_Bool f(bool a)">, boolean>(true);
  same<Arguments<"int printf(const char *format, ...)">, [Text, ...VariableArgument[]]>(true);
  same<
    Arguments<"void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))">,
    [PointerArgument, Wide, Wide, ((a: number, b: number) => number) | number | bigint | null]
  >(true);
  same<Arguments<"int f(\n\tint a,\n\tdouble b\n)">, [number, number]>(true);
});

test("names of C text are inferred from the table of types", () => {
  type Types = { point: { struct: { x: "double"; y: "double" } }; handle: "uint64" };
  same<
    Arguments<"double f(struct point p, handle h, point *q)", Types>,
    [{ readonly x: number; readonly y: number }, Wide, PointerArgument]
  >(true);
  same<Result<"struct point f(void)", Types>, { x: number; y: number }>(true);
});

test("what cannot be inferred is any, and never an error", () => {
  same<Arguments<string>, Any[]>(true);
  same<Result<string>, Any>(true);
  same<Arguments<"double f(struct { double x, y; } p)">, Any[]>(true);
  same<Result<"void (*signal(int, void (*)(int)))(int)">, Any>(true);
  same<Arguments<"int f(foo_t x, int y)">, [Any, number]>(true);
  same<Arguments<"int f(int /* the first */, int)">, Any[]>(true);
});

test("calls of a wrong type do not compile, and are refused at run time", () => {
  const add = declare({ arguments: ["int32", "int32"], return: "int32" });
  add(1, 2);
  // @ts-expect-error
  assert.throws(() => add(1, "2"), /argument 2: expected a number for int32, got the string "2"/);
  // @ts-expect-error
  assert.throws(() => add(1), /takes 2 arguments, 1 are given/);
  // @ts-expect-error
  assert.throws(() => add(1, 2, 3), /takes 2 arguments, 3 are given/);
  const length = declare("size_t strlen(const char *)");
  length("text");
  // @ts-expect-error
  assert.throws(() => length(true), /strlen: argument 1: expected a string, an address or null, got true/);
  const norm = declare({ arguments: [{ struct: { x: "double", y: "double" } }], return: "double" });
  norm({ x: 3, y: 4 });
  // @ts-expect-error
  assert.throws(() => norm({ x: 3 }), /argument 1\.y: expected a number for double, got undefined/);
  // @ts-expect-error
  assert.throws(() => norm(null), /argument 1: expected an object for a struct, got null/);
  const set = declare("void set(bool on)");
  set(true);
  // @ts-expect-error
  assert.throws(() => set(1), /set: argument 1 \(on\): expected true or false, got 1/);
  // @ts-expect-error
  assert.throws(() => declare({ arguments: ["int31"] }), /arguments\[0\]: there is no type "int31"/);
  const scaled = declare("double scaled(struct point p, double by)", {
    point: { struct: { x: "double", y: "double" } },
  });
  scaled({ x: 1, y: 2 }, 3);
  // @ts-expect-error
  assert.throws(() => scaled({ x: 1, y: 2 }, "3"), /scaled: argument 2 \(by\): expected a number/);
});
