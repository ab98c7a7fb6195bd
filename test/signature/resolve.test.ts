import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type NativeType,
  type ResolvedSignature,
  resolveSignature,
  resolveType,
  type TypeTable,
  type ValueType,
} from "slablink";

/** A type in a few letters. */
function shortType(type: ValueType | undefined): string {
  if (type === undefined) return "void";
  if (type.kind === "struct") {
    const members = type.members.map(({ name, offset, type: member }) => {
      const length = member.kind === "array" ? `[${member.length}]` : "";
      const inner = member.kind === "array" ? member.element : member;
      return `${offset}:${name}${length} ${inner.kind === "array" ? "array" : shortType(inner)}`;
    });
    return `{${members.join(", ")}; ${type.size}/${type.alignment}}`;
  }
  return type.kind === "function" ? `*${shortSignature(type.signature)}` : type.kind;
}

function shortSignature({ name, parameters, result, variadic }: ResolvedSignature): string {
  const all = parameters.map((one) => `${shortType(one.type)}${one.name === undefined ? "" : ` ${one.name}`}`);
  return `${name ?? ""}(${[...all, ...(variadic ? ["..."] : [])].join(", ")}) ${shortType(result)}`;
}

const table: TypeTable = {
  point: { struct: { x: "double", y: "double" } },
  segment: "struct { point from; struct point to; }",
  handle: "unsigned long",
  comparison: { function: "int compare(const void *, const void *)" },
  loop: "struct { loop inner; }",
};

const good: readonly [text: string, expected: string][] = [
  ["double f(int, const void *)", "f(int32, pointer) double"],
  ["void f(void)", "f() void"],
  ["void f()", "f() void"],
  ["int f(int a, char b);", "f(int32 a, int8 b) int32"],
  ["  extern\tint\n f ( int ) ; ", "f(int32) int32"],
  ["int /* result */ f(int a, // first\n int b)", "f(int32 a, int32 b) int32"],
  ["unsigned f(unsigned int, unsigned char, signed char, unsigned short)", "f(uint32, uint8, int8, uint16) uint32"],
  ["long long f(long int, int long unsigned, unsigned long long int, long)", "f(int64, uint64, uint64, int64) int64"],
  ["short f(short int, signed, signed short)", "f(int16, int32, int16) int16"],
  ["_Bool f(bool, float, double)", "f(bool, float, double) bool"],
  [
    "size_t f(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t)",
    "f(int8, uint8, int16, uint16, int32, uint32, int64, uint64) uint64",
  ],
  ["ssize_t f(intptr_t, uintptr_t, ptrdiff_t)", "f(int64, uint64, int64) int64"],
  [
    "const char *f(const char *, char const *, char *, const unsigned char *)",
    "f(string, string, pointer, pointer) string",
  ],
  ["const char *const f(const char *const restrict s, const char **t)", "f(string s, pointer t) string"],
  ["int f(int a[], int b[4], double c[2][3], const char d[])", "f(pointer a, pointer b, pointer c, string d) int32"],
  ["int printf(const char *format, ...)", "printf(string format, ...) int32"],
  [
    "void f(FILE *stream, struct stat *s, union any **u, sqlite3 *db)",
    "f(pointer stream, pointer s, pointer u, pointer db) void",
  ],
  ["void f(enum color c, enum { red, green } d)", "f(int32 c, int32 d) void"],
  [
    "void qsort(void *, size_t, size_t, int (*compare)(const void *, const void *))",
    "qsort(pointer, uint64, uint64, *(pointer, pointer) int32 compare) void",
  ],
  ["void f(int g(double), void (*)(void))", "f(*(double) int32 g, *() void) void"],
  [
    "void (*signal(int number, void (*handler)(int)))(int)",
    "signal(int32 number, *(int32) void handler) *(int32) void",
  ],
  ["int (*f(void))[3]", "f() pointer"],
  ["int (f)(int)", "f(int32) int32"],
  ["double f(struct { double x, y; } p)", "f({0:x double, 8:y double; 16/8} p) double"],
  [
    "struct p { char a; short b, *c; int d[3]; char e; } f(struct p q)",
    "f({0:a int8, 2:b int16, 8:c pointer, 16:d[3] int32, 28:e int8; 32/8} q) {0:a int8, 2:b int16, 8:c pointer, 16:d[3] int32, 28:e int8; 32/8}",
  ],
  [
    "struct v { float x; }; struct w { struct v v; double d; }; struct v f(struct w)",
    "f({0:v {0:x float; 4/4}, 8:d double; 16/8}) {0:x float; 4/4}",
  ],
  [
    "typedef struct { int n; } box; typedef long number; number f(box b, box *c)",
    "f({0:n int32; 4/4} b, pointer c) int64",
  ],
  ["double f(struct point p, point *q, handle h)", "f({0:x double, 8:y double; 16/8} p, pointer q, uint64 h) double"],
  [
    "void f(segment s)",
    "f({0:from {0:x double, 8:y double; 16/8}, 16:to {0:x double, 8:y double; 16/8}; 32/8} s) void",
  ],
  ["void f(comparison c)", "f(*compare(pointer, pointer) int32 c) void"],
];

const bad: readonly [text: string, message: RegExp][] = [
  ["", /C text "", column 1: expected a type, found the end/],
  ["int", /column 4: expected a function, found a int32/],
  ["int f", /column 5: expected a function/],
  ["int *f", /expected a function, found a pointer/],
  ["int f(int", /column 10: expected "\)", found the end/],
  ["int f(int,)", /column 11: expected a type, found "\)"/],
  ["int f(int) g", /column 12: expected the end, found "g"/],
  ["int f(intt)", /column 7: expected a type, found "intt": name it in the table/],
  ["intt f(int)", /column 1: expected a type, found "intt"/],
  ["int f(struct stat s)", /column 7: the members of struct stat are not known/],
  ["int f(union u x)", /column 7: a union by value/],
  ["int f(long double x)", /column 7: long double \(80-bit\) is not supported/],
  ["int f(__int128 x)", /column 7: __int128 is not supported/],
  ["double _Complex f(void)", /complex numbers are not supported/],
  ["int f(short double)", /column 7: expected a type, found "short double"/],
  ["int f(void x)", /column 12: a parameter cannot be void/],
  ["int f(int, void)", /a parameter cannot be void/],
  ["int f(struct { int a : 3; } x)", /column 22: bit-fields are not supported/],
  ["int f(struct { } x)", /column 7: a struct has no members/],
  ["int f(struct { int a, a; } x)", /two members "a"/],
  ["int f(struct { int a[]; } x)", /needs its length/],
  ["int f(struct { void a; } x)", /a member cannot be void/],
  ["int f(struct)", /expected a tag or "\{", found "\)"/],
  ["int f(struct { int a } x)", /column 22: expected ";", found "}"/],
  ["int f(int a[x])", /column 13: expected "\]", found "x"/],
  ["int f(int)[3]", /a function cannot return an array/],
  ["int f(int #)", /column 11: unexpected character "#"/],
  ["int f(constructor x)", /expected a type, found "constructor"/],
  ["int f(loop l)", /the type "loop" contains itself/],
];

test("C text is read", () => {
  for (const [text, expected] of good) assert.equal(shortSignature(resolveSignature(text, table)), expected, text);
});

test("C text that is wrong is refused with the column and what was expected", () => {
  for (const [text, message] of bad) {
    assert.throws(
      () => resolveSignature(text, table),
      (error) => {
        assert.ok(error instanceof TypeError, `${text}: ${error}`);
        assert.match(error.message, message, text);
        return true;
      },
    );
  }
});

test("whatever the text, it is read or refused by a TypeError that quotes it", () => {
  const words =
    "int char const unsigned long double void struct union enum typedef f point loop x size_t * ( ) [ ] { } , ; ... 3 : = /* */ __proto__";
  const soup = fc.array(fc.constantFrom(...words.split(" ")), { maxLength: 14 }).map((some) => some.join(" "));
  let read = 0;
  const check = (text: string): void => {
    try {
      resolveSignature(text, table);
      read++;
    } catch (error) {
      assert.ok(error instanceof TypeError, `${text}: ${error}`);
      assert.match(error.message, /column \d+: |contains itself/, text);
    }
  };
  fc.assert(fc.property(soup, check), { numRuns: 3000, seed: 1 });
  // Texts that were good, with one token gone or twice.
  for (const [text] of good) {
    const tokens = text.split(/\b/);
    for (let i = 0; i < tokens.length; i++) {
      check(tokens.toSpliced(i, 1).join(""));
      check(tokens.toSpliced(i, 0, tokens[i]).join(""));
    }
  }
  assert.ok(read > 100);
});

test("signature objects are resolved", () => {
  assert.equal(shortSignature(resolveSignature({})), "() void");
  assert.equal(
    shortSignature(
      resolveSignature({ arguments: ["int32", "unsigned long long", "string"], return: "size_t", variadic: true }),
    ),
    "(int32, uint64, string, ...) uint64",
  );
  const nested = {
    struct: { a: "int8", b: { struct: { c: "int16", d: { array: "int8", length: 3 } } } },
    align: 16,
  } as const;
  assert.equal(shortType(resolveType(nested)), "{0:a int8, 2:b {0:c int16, 2:d[3] int8; 6/2}; 16/16}");
  assert.equal(
    shortSignature(
      resolveSignature({ arguments: [{ function: "int f(void)" }, { pointer: "void" }, { pointer: nested }] }),
    ),
    "(*f() int32, pointer, pointer) void",
  );
});

test("signature objects that are wrong are refused with the place", () => {
  const wrong: readonly [type: unknown, message: RegExp][] = [
    ["int31", /^arguments\[0\]: there is no type "int31"/],
    ["void", /^arguments\[0\] is void, which only a result may be/],
    ["long double", /^arguments\[0\]: long double \(80-bit\) is not supported/],
    ["toString", /there is no type "toString"/],
    [7, /^arguments\[0\] is number 7, not a type/],
    [null, /^arguments\[0\] is null, not a type/],
    [{}, /^arguments\[0\] is another object, not a type/],
    [{ array: "int8", length: 2 }, /^arguments\[0\] is an array, which C passes as a pointer/],
    [{ struct: {} }, /^arguments\[0\]: a struct has no members/],
    [{ struct: { a: { struct: { b: "x" } } } }, /^arguments\[0\]\.a\.b: there is no type "x"/],
    [{ struct: { a: { array: "int8", length: 0 } } }, /^arguments\[0\]\.a: an array's length is 0, not 1 or more/],
    [{ struct: { a: "int8" }, align: 32 }, /^arguments\[0\]: a struct's alignment is 32, not 1, 2, 4, 8 or 16/],
    [{ struct: { a: { array: "double", length: 1e6 } } }, /an array of 8000000 bytes is larger than 65536/],
    [{ function: { arguments: ["y"] } }, /^arguments\[0\]\.arguments\[0\]: there is no type "y"/],
  ];
  for (const [type, message] of wrong) {
    assert.throws(() => resolveSignature({ arguments: [type as NativeType] }), { name: "TypeError", message });
  }
  assert.throws(() => resolveSignature(3 as never), /a signature is number 3, not an object or C text/);
  assert.throws(
    () => resolveSignature({ arguments: "int32" as never }),
    /arguments is string int32, not an array of types/,
  );
});
