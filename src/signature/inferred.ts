import type { SignatureOfText, Uninferred } from "./inferred-text.ts";
import type { NativeType, Signature, TypeTable } from "./native-type.ts";
import type { SCALARS, ScalarName } from "./type-names.ts";
import type { VariableArgument } from "./variable-arguments.ts";

/** What a parameter that is an address takes: one in the executor, or memory and text that are given one for the call. */
export type PointerArgument = number | bigint | null | string | ArrayBufferView | ArrayBufferLike;

// biome-ignore lint/suspicious/noConfusingVoidType: it is what functions return
type Nothing = void;

/** Where no table of named types is given. */
export type NoTypes = Record<never, never>;

interface KindArgument extends Numbers {
  bool: boolean;
  int64: number | bigint;
  uint64: number | bigint;
  pointer: PointerArgument;
  string: string | number | bigint | null;
}

interface KindResult extends Numbers {
  bool: boolean;
  int64: number | bigint;
  uint64: number | bigint;
  pointer: number;
  string: string | null;
}

interface Numbers {
  int8: number;
  uint8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  float: number;
  double: number;
}

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Whether nothing is known of a type, as of `any`, or of a member of a type that is written out in general: they contain each other. */
type IsGeneral<N> = 0 extends 1 & N ? true : NativeType extends N ? true : false;

/** What a native type takes from JavaScript, as an argument of a call or the result of an import. */
export type ArgumentOf<N> =
  IsGeneral<N> extends true
    ? Uninferred
    : N extends ScalarName
      ? KindArgument[(typeof SCALARS)[N]]
      : N extends { readonly struct: infer Members }
        ? { readonly [Name in keyof Members]: ArgumentOf<Members[Name]> }
        : N extends { readonly array: infer Element }
          ? ArrayLike<ArgumentOf<Element>>
          : N extends { readonly function: infer S extends Signature }
            ? ImportFunctionOf<S> | number | bigint | null
            : N extends { readonly pointer: unknown }
              ? PointerArgument
              : N extends "void"
                ? Nothing
                : Uninferred;

/** What a native type is in JavaScript, as the result of a call or an argument of an import. */
export type ResultOf<N> =
  IsGeneral<N> extends true
    ? Uninferred
    : N extends ScalarName
      ? KindResult[(typeof SCALARS)[N]]
      : N extends { readonly struct: infer Members }
        ? { -readonly [Name in keyof Members]: ResultOf<Members[Name]> }
        : N extends { readonly array: infer Element }
          ? ResultOf<Element>[]
          : N extends { readonly function: unknown } | { readonly pointer: unknown }
            ? number
            : N extends "void"
              ? Nothing
              : Uninferred;

/** A signature as an object, from either spelling. */
type Shape<S, Types extends TypeTable> = S extends string ? SignatureOfText<S, Types> : S;

type TypesOf<S> = S extends { readonly arguments: infer A } ? A : [];
type ReturnOf<S> = S extends { readonly return: infer R } ? R : "void";
type ArgumentList<A> = IsAny<A> extends true ? Uninferred[] : { -readonly [I in keyof A]: ArgumentOf<A[I]> };
type ResultList<A> = IsAny<A> extends true ? Uninferred[] : { -readonly [I in keyof A]: ResultOf<A[I]> };
type AsList<A> = A extends unknown[] ? A : Uninferred[];
type WithVariable<S, A> = S extends { readonly variadic: true } ? [...AsList<A>, ...VariableArgument[]] : AsList<A>;

/**
 * The arguments of a call, as a tuple, from a signature object (`as const`) or C text; `Types` is the type of the table of named types.
 * What cannot be inferred is `any`.
 */
export type Arguments<S extends Signature, Types extends TypeTable = NoTypes> = WithVariable<
  Shape<S, Types>,
  ArgumentList<TypesOf<Shape<S, Types>>>
>;

/** The result of a call; 64-bit integers are numbers where that is exact, else bigints; addresses are numbers. */
export type Result<S extends Signature, Types extends TypeTable = NoTypes> = ResultOf<ReturnOf<Shape<S, Types>>>;

/** A native function as JavaScript calls it. */
export type FunctionOf<S extends Signature, Types extends TypeTable = NoTypes> = (
  ...values: Arguments<S, Types>
) => Result<S, Types>;

/** A JavaScript function as native code calls it: it gets what calls return, and returns what calls take. */
export type ImportFunctionOf<S extends Signature, Types extends TypeTable = NoTypes> = (
  ...values: AsList<ResultList<TypesOf<Shape<S, Types>>>>
) => ArgumentOf<ReturnOf<Shape<S, Types>>>;
