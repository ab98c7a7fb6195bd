import { type ScalarKind, scalarType, type ValueType } from "./value-type.ts";

/**
 * The scalar types by every name that a signature may use, as sizes of the System V ABI for x86-64 (psABI 3.1.2, LP64): `char` is
 * signed, `long` has 64 bits. `string` is `const char *`.
 */
export const SCALARS = {
  bool: "bool",
  int8: "int8",
  uint8: "uint8",
  int16: "int16",
  uint16: "uint16",
  int32: "int32",
  uint32: "uint32",
  int64: "int64",
  uint64: "uint64",
  float: "float",
  double: "double",
  pointer: "pointer",
  string: "string",
  char: "int8",
  "signed char": "int8",
  "unsigned char": "uint8",
  short: "int16",
  "unsigned short": "uint16",
  int: "int32",
  unsigned: "uint32",
  "unsigned int": "uint32",
  long: "int64",
  "unsigned long": "uint64",
  "long long": "int64",
  "unsigned long long": "uint64",
  int8_t: "int8",
  uint8_t: "uint8",
  int16_t: "int16",
  uint16_t: "uint16",
  int32_t: "int32",
  uint32_t: "uint32",
  int64_t: "int64",
  uint64_t: "uint64",
  size_t: "uint64",
  ssize_t: "int64",
  ptrdiff_t: "int64",
  intptr_t: "int64",
  uintptr_t: "uint64",
} as const satisfies Record<string, ScalarKind>;

/** A scalar type's name in a signature object. */
export type ScalarName = keyof typeof SCALARS;

/** Types that C has and calls here have not, with what to do instead. */
export const REFUSED: Readonly<Record<string, string>> = {
  "long double": "long double (80-bit) is not supported: call a function that takes double",
  __int128: "__int128 is not supported: pass a struct of two 64-bit integers, or a pointer",
  _Complex: "complex numbers are not supported: pass a struct of two members",
  _Float128: "_Float128 is not supported: call a function that takes double",
  union: "a union by value is not supported: pass a pointer to it",
};

/** The scalar type of that name; undefined where there is none. */
export function scalarNamed(name: string): ValueType | undefined {
  return Object.hasOwn(SCALARS, name) ? scalarType(SCALARS[name as ScalarName]) : undefined;
}
