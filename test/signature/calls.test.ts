import { test } from "node:test";
import fc from "fast-check";
import type { MemberType, NativeType, StructShape } from "slablink";
import { has } from "../support/tools.ts";
import type { CallCase, Value } from "./c-source.ts";
import { checkCases } from "./linked-cases.ts";
import { anyValue, callCase } from "./random-cases.ts";

/** A struct by its members' types. */
const struct = (...members: MemberType[]): StructShape => ({
  struct: Object.fromEntries(members.map((type, i) => [`m${i}`, type])),
});
const bytes = (length: number): StructShape => struct({ array: "uint8", length });
const times = (count: number, type: NativeType): NativeType[] => new Array(count).fill(type);
const aligned = (shape: StructShape): StructShape => ({ ...shape, align: 16 });

/** Results and arguments; every one is called with two sets of values. */
const signatures: readonly [result: NativeType | "void", ...types: NativeType[]][] = [
  ["void"],
  // Each width by itself, and where it is extended: in every register, and on the stack.
  ...(
    [
      "bool",
      "int8",
      "uint8",
      "int16",
      "uint16",
      "int32",
      "uint32",
      "int64",
      "uint64",
      "pointer",
      "float",
      "double",
    ] as const
  ).map((type): [NativeType, ...NativeType[]] => [type, ...times(10, type)]),
  ["int32", "int32", "int32"],
  ["double", ...times(12, "double")],
  ["float", ...times(9, "float"), ...times(7, "int8")],
  ["int64", "double", "int32", "float", "int8", "double", "int64", "float", "uint16"],
  ["void", ...times(20, "int32"), ...times(20, "double")],
  // Structs in one register.
  [struct("int8"), struct("int8"), struct("bool"), struct("uint16")],
  [struct("float"), struct("float"), struct("float", "float"), struct("double")],
  [struct("float", "int32"), struct("int32", "float"), struct("int16", "int8", "float")],
  [bytes(1), bytes(1), bytes(2), bytes(3), bytes(5), bytes(6), bytes(7), bytes(8)],
  // Structs in two: INTEGER and SSE in every order.
  [struct("int64", "int64"), struct("int64", "int64"), "int32"],
  [struct("int64", "double"), struct("int64", "double"), "double"],
  [struct("double", "int64"), struct("double", "int64"), "int32", "double"],
  [struct("double", "double"), struct("double", "double"), "double"],
  [struct("float", "float", "float"), struct("float", "float", "float"), struct("float", "float", "int32")],
  [struct("double", "int8"), struct("int8", "double"), struct("double", "float"), struct("float", "double")],
  [bytes(9), bytes(9), bytes(11), bytes(13)],
  [bytes(16), bytes(15), bytes(16)],
  [struct({ array: "float", length: 4 }), struct({ array: "float", length: 3 }), struct({ array: "int16", length: 7 })],
  [struct(struct("int32", struct("float")), "double"), struct(struct(struct("int8")), struct("float", "float"))],
  // Structs in memory, of every size up to 64 bytes, and more than moves copy.
  [bytes(17), bytes(17), "int32"],
  ...Array.from({ length: 12 }, (_, i): [NativeType, ...NativeType[]] => [
    bytes(20 + 4 * i),
    "double",
    bytes(20 + 4 * i),
    "int16",
  ]),
  [struct("double", "double", "double"), struct("double", "double", "double"), struct("int64", "int64", "int32")],
  [bytes(128), bytes(128), bytes(129), "int8"],
  [bytes(1000), ...times(7, "int64"), bytes(999), bytes(1001), "int8"],
  // Registers that are not enough for all of a struct: it goes to the stack, and what follows takes them.
  ["int64", ...times(5, "int64"), struct("int64", "int64"), "int32", "int8"],
  ["double", ...times(7, "double"), struct("double", "double"), "double", "float"],
  ["int32", ...times(6, "int32"), struct("double", "int32"), "double"],
  ["int32", ...times(8, "double"), struct("double", "int32"), "int32"],
  [bytes(24), ...times(4, "int64"), struct("int64", "int64"), "int32", struct("int8")],
  // Aligned to 16: on the stack too, with room left before it.
  [aligned(struct("int32")), aligned(struct("int32")), "int32", aligned(struct("float"))],
  [aligned(struct("int64", "double")), ...times(7, "int64"), aligned(struct("int64", "double")), "int8"],
  [aligned(bytes(32)), ...times(7, "int64"), aligned(bytes(24)), "int8", aligned(bytes(17)), aligned(bytes(40))],
  [
    aligned(struct("double")),
    ...times(9, "double"),
    aligned(struct("double")),
    "double",
    aligned(struct("float", "int8")),
  ],
];

/** Values from a seed, extremes often. */
function withValues([result, ...types]: (typeof signatures)[number], seed: number): CallCase {
  const [values, resultValue] = fc.sample(
    fc.tuple(fc.tuple(...types.map(anyValue)), result === "void" ? fc.constant(undefined) : anyValue(result)),
    { seed, numRuns: 1 },
  )[0] as [Value[], Value | undefined];
  return { types, values, result, resultValue };
}

const table = signatures.flatMap((signature, i) => [0, 1].map((set) => withValues(signature, 100 * i + set)));

// Change it to look further; a failure names the signature.
const random = fc.sample(callCase, { seed: 20261129, numRuns: 100 });

for (const [compiler, level] of [
  ["gcc", "-O0"],
  ["gcc", "-O2"],
  ["clang-22", "-O2"],
]) {
  test(`calls agree with ${compiler} ${level}, both ways: every kind of passage`, async (t) => {
    if (has(t, compiler)) await checkCases(table, [compiler, level, "-fPIE", "-w"]);
  });

  test(`calls agree with ${compiler} ${level}, both ways: 100 random signatures`, async (t) => {
    if (has(t, compiler)) await checkCases(random, [compiler, level, "-fPIE", "-w"]);
  });
}
