import fc from "fast-check";
import type { MemberType, NativeType, StructShape } from "slablink";
import type { CallCase, Value } from "./c-source.ts";

const RANGES: Record<string, [bigint, bigint]> = {
  int8: [-0x80n, 0x7fn],
  uint8: [0n, 0xffn],
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  pointer: [0n, 2n ** 47n - 1n],
};

const scalar = fc.constantFrom<NativeType>(
  "bool",
  "float",
  "double",
  "double",
  ...(Object.keys(RANGES) as NativeType[]),
);

/** Structures of up to 64 bytes or so, of every mix of classes. */
export const { struct } = fc.letrec<{ member: MemberType; struct: StructShape }>((tie) => ({
  member: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 8, arbitrary: scalar as fc.Arbitrary<MemberType> },
    { weight: 1, arbitrary: fc.record({ array: scalar, length: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: tie("struct") as fc.Arbitrary<MemberType> },
  ),
  struct: fc
    .tuple(fc.array(tie("member"), { minLength: 1, maxLength: 5 }), fc.boolean(), fc.nat(9))
    .map(([members, few, align]) => {
      const kept = few ? members.slice(0, 2) : members;
      const shape = { struct: Object.fromEntries(kept.map((type, i) => [`m${i}`, type])) };
      return align === 0 ? { ...shape, align: 16 } : shape;
    }),
}));

const type: fc.Arbitrary<NativeType> = fc.oneof({ weight: 3, arbitrary: scalar }, { weight: 2, arbitrary: struct });

/** A value of a type, extremes often. */
export function anyValue(type: MemberType): fc.Arbitrary<Value> {
  if (typeof type === "object" && "struct" in type) {
    return fc.record(Object.fromEntries(Object.entries(type.struct).map(([name, inner]) => [name, anyValue(inner)])), {
      noNullPrototype: true,
    });
  }
  if (typeof type === "object" && "array" in type) {
    return fc.array(anyValue(type.array), { minLength: type.length, maxLength: type.length });
  }
  if (type === "bool") return fc.boolean();
  if (type === "float") return fc.float({ noNaN: true });
  if (type === "double") return fc.double({ noNaN: true });
  const [min, max] = RANGES[String(type)];
  // As they come back: a number where that is exact.
  return fc
    .oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max))
    .map((value) => (BigInt.asIntN(54, value) === value ? Number(value) : value))
    .map((value) => (typeof value === "number" && !Number.isSafeInteger(value) ? BigInt(value) : value));
}

/** A function of up to 12 arguments with the values of one call. */
export const callCase: fc.Arbitrary<CallCase> = fc
  .tuple(
    fc.array(type, { maxLength: 12 }),
    fc.oneof({ weight: 1, arbitrary: fc.constant("void" as const) }, { weight: 6, arbitrary: type }),
  )
  .chain(([types, result]) =>
    fc.record({
      types: fc.constant(types),
      values: fc.tuple(...types.map(anyValue)),
      result: fc.constant(result),
      resultValue: result === "void" ? fc.constant(undefined) : anyValue(result),
    }),
  );
