import { arrayType, structType } from "./struct-layout.ts";
import {
  type ArrayType,
  functionType,
  type Parameter,
  type ResolvedSignature,
  scalarType,
  type ValueType,
} from "./value-type.ts";

/** A type of C text while it is read: also those that no value has, which may still be pointed at. */
export type CType =
  | { readonly c: "void" }
  | { readonly c: "value"; readonly type: ValueType; readonly isConstChar: boolean }
  | { readonly c: "array"; readonly element: CType; readonly length: number | undefined }
  | { readonly c: "function"; readonly signature: ResolvedSignature }
  /** Not known, or not supported by value: `why` says what to do. */
  | { readonly c: "opaque"; readonly why: string; readonly column: number };

/** What is wrong with a type of C text, and where if not at the declarator. */
export class CTypeError extends Error {
  readonly column: number | undefined;
  constructor(detail: string, column?: number) {
    super(detail);
    this.column = column;
  }
}

/** A type of C text from a type that is known. */
export function valueCType(type: ValueType | ArrayType, isConstChar = false): CType {
  return type.kind === "array"
    ? { c: "array", element: valueCType(type.element), length: type.length }
    : { c: "value", type, isConstChar };
}

/** `type *`: a function's address, a C string for `const char *`, else any pointer. */
export function pointerTo(type: CType): CType {
  if (type.c === "function") return valueCType(functionType(type.signature));
  const isString = type.c === "value" && type.isConstChar;
  return valueCType(scalarType(isString ? "string" : "pointer"));
}

/** A parameter's type: arrays and functions are passed as pointers (C11 6.7.6.3). */
export function parameterOf(type: CType, name: string | undefined): Parameter {
  const passed = type.c === "array" ? pointerTo(type.element) : type.c === "function" ? pointerTo(type) : type;
  if (passed.c === "value") return { name, type: passed.type };
  throw new CTypeError(
    passed.c === "opaque" ? passed.why : "a parameter cannot be void",
    passed.c === "opaque" ? passed.column : undefined,
  );
}

/** A function's result; undefined for void. */
export function resultOf(type: CType): ValueType | undefined {
  if (type.c === "void") return undefined;
  if (type.c === "value") return type.type;
  if (type.c === "opaque") throw new CTypeError(type.why, type.column);
  throw new CTypeError(`a function cannot return ${type.c === "array" ? "an array" : "a function"}`);
}

/** The type of a structure's member. */
export function memberOf(type: CType): ValueType | ArrayType {
  if (type.c === "value") return type.type;
  if (type.c === "opaque") throw new CTypeError(type.why, type.column);
  if (type.c !== "array") throw new CTypeError(`a member cannot be ${type.c === "void" ? "void" : "a function"}`);
  const element = memberOf(type.element);
  const { length } = type;
  if (length === undefined) throw new CTypeError("a member that is an array needs its length");
  return checked(() => arrayType(element, length));
}

/** A structure of C text. */
export function structOf(members: readonly (readonly [string, ValueType | ArrayType])[]): ValueType {
  return checked(() => structType(members));
}

function checked<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof TypeError ? new CTypeError(error.message) : error;
  }
}
