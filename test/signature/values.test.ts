import assert from "node:assert/strict";
import { test } from "node:test";
import { callLayout, type NativeType, type PointerContext, resolveSignature, splitVariableArguments } from "slablink";

const addresses = new Map<unknown, number>();
const pointers: PointerContext = {
  addressOf(value, type) {
    const address = addresses.get(value);
    if (address === undefined) throw new TypeError(`no address for a ${type.kind}`);
    return address;
  },
  readString: (address) => (address === 0 ? null : `string at ${address}`),
};

/** What a value is after a call's block: written as an argument and as a result, read as both. */
function through(type: NativeType, value: unknown): unknown {
  const layout = callLayout(resolveSignature({ arguments: ["double", type], return: type }));
  const view = new DataView(new ArrayBuffer(layout.blockSize + 64));
  new Uint8Array(view.buffer).fill(0x77);
  layout.encodeArguments([0.5, value], view, 32, pointers);
  const [, argument] = layout.decodeArguments(view, 32, pointers);
  layout.encodeResult(value, view, 32, pointers);
  assert.deepEqual(layout.decodeResult(view, 32, pointers), argument);
  assert.equal(
    new Uint8Array(view.buffer, 0, 32).every((byte) => byte === 0x77),
    true,
    "written before the block",
  );
  return argument;
}

test("values are written and read at their types' limits", () => {
  const cases: readonly [type: NativeType, value: unknown, read?: unknown][] = [
    ["bool", true],
    ["bool", false],
    ["int8", -128],
    ["int8", 127n, 127],
    ["uint8", 255],
    ["int16", -32768],
    ["uint16", 65535],
    ["int32", -2147483648],
    ["int32", -1n, -1],
    ["int32", -0, 0],
    ["uint32", 4294967295],
    ["uint32", 4294967295n, 4294967295],
    ["int64", 2 ** 53 - 1],
    ["int64", -(2 ** 53 - 1)],
    ["int64", 2n ** 53n],
    ["int64", -(2n ** 53n)],
    ["int64", -(2n ** 63n)],
    ["int64", 5n, 5],
    ["int64", -1],
    ["uint64", 2n ** 64n - 1n],
    ["uint64", 2 ** 53 - 1],
    ["uint64", 2n ** 53n],
    ["float", 0.1, Math.fround(0.1)],
    ["double", 0.1],
    ["double", -0],
    ["double", NaN],
    ["double", -Infinity],
    ["pointer", 0x7fff_ffff_f000],
    ["pointer", null, 0],
    ["pointer", 4096n, 4096],
    ["pointer", -1],
    ["pointer", 2n ** 64n - 1n, -1],
    ["string", 4096, "string at 4096"],
    ["string", null, null],
    [{ function: {} }, 4096],
    [
      { struct: { a: "int8", b: { array: "float", length: 2 } } },
      { a: 1, b: new Float32Array([2, 3]), c: 4 },
      { a: 1, b: [2, 3] },
    ],
  ];
  for (const [type, value, read = value] of cases) {
    assert.deepEqual(through(type, value), read, `${JSON.stringify(type)} ${String(value)}`);
  }
});

test("memory, text and functions get the address that the executor's side says", () => {
  const values = [new Float64Array(4), new ArrayBuffer(8), "text", () => 0];
  for (const [i, value] of values.entries()) addresses.set(value, 0x1000 * (i + 1));
  assert.deepEqual(
    values.slice(0, 3).map((value) => through("pointer", value)),
    [0x1000, 0x2000, 0x3000],
  );
  assert.equal(through("string", "text"), "string at 12288");
  assert.equal(through({ function: { return: "int" } }, values[3]), 0x4000);
});

test("values of a wrong kind or out of range are refused with the place and both numbers", () => {
  const bytes = new Uint8Array(4);
  for (const value of ["text", bytes]) addresses.set(value, 0x1000); // what has an address is not code for that
  const wrong: readonly [type: NativeType, value: unknown, kind: string, message: string][] = [
    ["int8", 128, "RangeError", "argument 1: 128 is not in [-128, 127] of int8"],
    ["uint8", -1, "RangeError", "argument 1: -1 is not in [0, 255] of uint8"],
    ["int32", 2147483648, "RangeError", "argument 1: 2147483648 is not in [-2147483648, 2147483647] of int32"],
    ["int32", 1.5, "RangeError", "argument 1: 1.5 is not an integer in [-2147483648, 2147483647] of int32"],
    ["int32", NaN, "RangeError", "argument 1: NaN is not an integer in [-2147483648, 2147483647] of int32"],
    ["uint32", -1, "RangeError", "argument 1: -1 is not in [0, 4294967295] of uint32"],
    ["uint32", 2 ** 32, "RangeError", "argument 1: 4294967296 is not in [0, 4294967295] of uint32"],
    ["float", null, "TypeError", "argument 1: expected a number for float, got null"],
    ["uint32", 2n ** 32n, "RangeError", "argument 1: 4294967296 is not in [0, 4294967295] of uint32"],
    [
      "int64",
      2 ** 53,
      "RangeError",
      "argument 1: 9007199254740992 is beyond ±(2^53 - 1), where numbers are not exact: use a bigint",
    ],
    [
      "int64",
      2n ** 63n,
      "RangeError",
      "argument 1: 9223372036854775808 is not in [-9223372036854775808, 9223372036854775807] of int64",
    ],
    ["uint64", -1, "RangeError", "argument 1: -1 is not in [0, 18446744073709551615] of uint64"],
    [
      "uint64",
      2n ** 64n,
      "RangeError",
      "argument 1: 18446744073709551616 is not in [0, 18446744073709551615] of uint64",
    ],
    ["int32", "1", "TypeError", 'argument 1: expected a number for int32, got the string "1"'],
    ["int32", undefined, "TypeError", "argument 1: expected a number for int32, got undefined"],
    ["int32", true, "TypeError", "argument 1: expected a number for int32, got true"],
    ["double", 1n, "TypeError", "argument 1: expected a number for double, got 1"],
    ["double", {}, "TypeError", "argument 1: expected a number for double, got an object (Object)"],
    ["bool", 1, "TypeError", "argument 1: expected true or false, got 1"],
    [
      "pointer",
      undefined,
      "TypeError",
      "argument 1: expected an address, null, a typed array, an ArrayBuffer or a string, got undefined",
    ],
    ["pointer", 1.5, "RangeError", "argument 1: 1.5 is not an integer in [0, 18446744073709551615] of uint64"],
    ["pointer", {}, "TypeError", "argument 1: no address for a pointer"],
    ["string", Symbol("s"), "TypeError", "argument 1: expected a string, an address or null, got a symbol"],
    [
      { function: {} },
      "text",
      "TypeError",
      'argument 1: expected a function, an address or null, got the string "text"',
    ],
    [
      { function: {} },
      bytes,
      "TypeError",
      "argument 1: expected a function, an address or null, got an object (Uint8Array)",
    ],
    [{ struct: { a: "int8" } }, 1, "TypeError", "argument 1: expected an object for a struct, got 1"],
    [
      { struct: { a: { struct: { b: "int8" } } } },
      { a: { b: 300 } },
      "RangeError",
      "argument 1.a.b: 300 is not in [-128, 127] of int8",
    ],
    [
      { struct: { a: { array: "int8", length: 2 } } },
      { a: [1] },
      "RangeError",
      "argument 1.a: an array of 1 is not one of 2",
    ],
    [
      { struct: { a: { array: "int8", length: 2 } } },
      { a: 1 },
      "TypeError",
      "argument 1.a: expected an array of 2, got 1",
    ],
    [
      { struct: { a: { array: "int8", length: 3 } } },
      { a: [1, 2, 999] },
      "RangeError",
      "argument 1.a[2]: 999 is not in [-128, 127] of int8",
    ],
  ];
  const view = new DataView(new ArrayBuffer(256));
  for (const [type, value, name, message] of wrong) {
    const layout = callLayout(resolveSignature({ arguments: [type], return: type }));
    assert.throws(() => layout.encodeArguments([value], view, 0, pointers), { name, message });
    assert.throws(() => layout.encodeResult(value, view, 0, pointers), {
      name,
      message: message.replace("argument 1", "the result"),
    });
  }
  const named = callLayout(resolveSignature("int f(int a, unsigned char count)"));
  assert.throws(() => named.encodeArguments([1, 256], view, 0, pointers), {
    message: "f: argument 2 (count): 256 is not in [0, 255] of uint8",
  });
  assert.throws(() => named.encodeResult("x", view, 0, pointers), { message: /^the result of f: expected a number/ });
  assert.throws(() => named.encodeArguments([1], view, 0, pointers), { message: "f takes 2 arguments, 1 are given" });
});

test("a layout is made once for a signature, and its key is that of the machine code", () => {
  const signature = resolveSignature("int f(long, ...)");
  assert.equal(callLayout(signature), callLayout(signature));
  const { variable } = splitVariableArguments(signature, [1, 2.5, "text"]);
  assert.equal(callLayout(signature, variable), callLayout(signature, [...variable]));
  assert.notEqual(callLayout(signature, variable), callLayout(signature));
  const key = (text: string) => callLayout(resolveSignature(text)).key;
  assert.equal(key("void *f(size_t, const char *, int (*)(void))"), key("long g(unsigned long, void *, int64_t)"));
  assert.notEqual(key("int f(int)"), key("int f(unsigned)"));
  assert.notEqual(key("void f(struct { float x, y; } p)"), key("void f(struct { int x, y; } p)"));
  for (const text of ["void f(void)", "struct p { char c[40]; } f(struct p, struct { int i; double d; } q)"]) {
    assert.match(key(text), /^\w+$/);
    const { blockSize, slots } = callLayout(resolveSignature(text));
    assert.equal(blockSize % 16, 0);
    assert.ok(slots.every(({ offset }) => offset % 8 === 0));
  }
  const large = "struct large { char bytes[60000]; };";
  assert.equal(callLayout(resolveSignature(`${large} void f(struct large)`)).blockSize, 60016);
  assert.throws(() => callLayout(resolveSignature(`${large} struct large f(struct large)`)), {
    name: "TypeError",
    message: "f passes 120000 bytes by value, 65536 is the most: pass pointers",
  });
  assert.throws(() => callLayout(resolveSignature("int f(long)"), variable), {
    name: "TypeError",
    message: "f takes no variable arguments, 2 are given",
  });
});

test("types of variable arguments are told from values or given", () => {
  const signature = resolveSignature("int f(const char *, ...)");
  const kinds = (...values: unknown[]) =>
    splitVariableArguments(signature, ["", ...values]).variable.map(({ kind }) => kind);
  assert.deepEqual(
    kinds(1, -0, 2 ** 31, 2 ** 53, 0.5, NaN, 1n, 2n ** 63n, true, "s", null, new Uint8Array(1), new ArrayBuffer(1)),
    [
      "int32",
      "double",
      "int64",
      "double",
      "double",
      "double",
      "int64",
      "uint64",
      "int32",
      "string",
      "pointer",
      "pointer",
      "pointer",
    ],
  );
  assert.deepEqual(kinds(["double", 2], ["float", 0.1], ["uint8", 3]), ["double", "double", "uint8"]);
  assert.deepEqual(splitVariableArguments(signature, ["", ["float", 0.1], true]).values, ["", Math.fround(0.1), 1]);
  const refused = (value: unknown, message: RegExp) =>
    assert.throws(() => kinds(value), { name: "TypeError", message });
  refused(undefined, /^f: argument 2: expected a value whose type is known, or \[type, value\], got undefined/);
  refused(() => 0, /got a function/);
  refused([1, 2, 3], /expected \[type, value\], got an array of 3/);
  refused(["int31", 2], /there is no type "int31"/);
});
