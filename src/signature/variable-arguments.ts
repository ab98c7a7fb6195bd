import { kindError } from "./integer-codec.ts";
import type { NativeType, TypeTable } from "./native-type.ts";
import { resolveType } from "./resolve-signature.ts";
import { type ResolvedSignature, scalarType, type ValueType } from "./value-type.ts";

/**
 * What may stand in place of `...`: a value whose type can be told from it, or a type with a value. Told are: an integer of 32 bits int,
 * another integer or a bigint long (unsigned long where only that holds it), any other number double, a boolean int, a string
 * `const char *`, null, a typed array or an ArrayBuffer a pointer. A whole number for `%f` needs its type: `["double", 2]`.
 */
export type VariableArgument =
  | number
  | bigint
  | boolean
  | string
  | null
  | ArrayBufferView
  | ArrayBufferLike
  | readonly [type: NativeType, value: unknown];

/** The values of one call, with the types of those behind the signature's own. */
export interface SplitArguments {
  /** The values of all arguments. */
  readonly values: readonly unknown[];
  /** Types of those behind the named ones. */
  readonly variable: readonly ValueType[];
}

/**
 * Finds the types of the arguments in place of `...`, for callLayout, after C's default promotions: float becomes double; smaller integers
 * are checked as what they are, and extended by the shim. Errors: TypeError for a value without a type, or an unknown type.
 */
export function splitVariableArguments(
  signature: ResolvedSignature,
  values: readonly unknown[],
  types?: TypeTable,
): SplitArguments {
  const fixed = signature.parameters.length;
  if (!signature.variadic || values.length <= fixed) return { values, variable: [] };
  const all = values.slice(0, fixed);
  const variable: ValueType[] = [];
  for (let i = fixed; i < values.length; i++) {
    const place = () => `${signature.name === undefined ? "" : `${signature.name}: `}argument ${i + 1}`;
    const given = values[i];
    let type: ValueType;
    let value: unknown = given;
    if (Array.isArray(given)) {
      if (given.length !== 2)
        throw new TypeError(`${place()}: expected [type, value], got an array of ${given.length}`);
      type = resolveType(given[0], types);
      value = given[1];
      if (type.kind === "float") {
        type = scalarType("double");
        if (typeof value === "number") value = Math.fround(value);
      }
    } else {
      type = typeOf(given, place);
      if (typeof given === "boolean") value = given ? 1 : 0;
    }
    variable.push(type);
    all.push(value);
  }
  return { values: all, variable };
}

function typeOf(value: unknown, place: () => string): ValueType {
  switch (typeof value) {
    case "number":
      if ((value | 0) === value && !Object.is(value, -0)) return scalarType("int32");
      return scalarType(Number.isSafeInteger(value) && value !== 0 ? "int64" : "double");
    case "bigint":
      return scalarType(BigInt.asIntN(64, value) === value ? "int64" : "uint64");
    case "boolean":
      return scalarType("int32");
    case "string":
      return scalarType("string");
    default:
      if (value === null || ArrayBuffer.isView(value)) return scalarType("pointer");
      if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return scalarType("pointer");
      throw kindError(value, "a value whose type is known, or [type, value]", place);
  }
}
