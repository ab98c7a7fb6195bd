import type { ScalarName } from "./type-names.ts";

/** A structure by value: its members in C's order, `align` (16 at most) where it is declared with `_Alignas`. */
export interface StructShape {
  /** Its members, in order. */
  readonly struct: { readonly [name: string]: MemberType };
  /** A larger alignment than its members ask for, in bytes. */
  readonly align?: number;
}

/** An array inside of a structure. */
export interface ArrayShape {
  /** The type of its elements. */
  readonly array: MemberType;
  /** Their number. */
  readonly length: number;
}

/** A pointer; what it points at is for the reader. */
export interface PointerShape {
  /** What it points to. */
  readonly pointer: MemberType | "void" | FunctionShape;
}

/** A pointer to a function: a JavaScript function, which gets an address in the executor, or an address. */
export interface FunctionShape {
  /** Its signature. */
  readonly function: Signature;
}

/** The type of a parameter or result, as a program writes it. */
export type NativeType = ScalarName | StructShape | PointerShape | FunctionShape;

/** The type of a member of a structure. */
export type MemberType = NativeType | ArrayShape;

/**
 * A function's signature as a program writes it, best `as const`, so that argument and result types can be inferred:
 *
 *     { arguments: ["int32", "pointer"], return: "double" } as const
 */
export interface SignatureShape {
  /** None by default. */
  readonly arguments?: readonly NativeType[];
  /** "void" by default. */
  readonly return?: NativeType | "void";
  /** Further arguments may follow; see splitVariableArguments for their types. */
  readonly variadic?: boolean;
}

/** A signature as an object, or as C text: `"double f(int, const void *)"`. */
export type Signature = SignatureShape | string;

/** Names that C text may use: `struct point` and `point` are both found under "point"; values are types or C text for one. */
export type TypeTable = { readonly [name: string]: NativeType | (string & {}) };
