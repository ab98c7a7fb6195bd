// Types from C text, by template literal types. They follow the shape of the text, not its grammar, and say `any` where that is not enough:
// structures and typedefs inside the text, comments, functions that return functions. The parser (c-parser.ts) has the last word.

import type { TypeTable } from "./native-type.ts";
import type { ScalarName } from "./type-names.ts";

// biome-ignore lint/suspicious/noExplicitAny: accepted and given as anything
type Any = any;
/** The type of what cannot be inferred: valid text is never an error. */
export type Uninferred = Any;

/** A signature object for C text that is a literal type; its types are `any` where they cannot be inferred. */
export type SignatureOfText<Text extends string, Types extends TypeTable> = string extends Text
  ? Unknown
  : Text extends `${string}${"{" | "/*" | "//"}${string}`
    ? Unknown
    : FromDeclaration<WithoutSemicolon<Trim<Spaces<Text>>>, Types>;

interface Unknown {
  readonly arguments: Uninferred;
  readonly return: Uninferred;
}

type FromDeclaration<Text extends string, Types extends TypeTable> = Text extends `${string};${string}`
  ? Unknown
  : Text extends `${infer Head}(${infer Rest}`
    ? Trim<Rest> extends `*${string}`
      ? Unknown
      : Rest extends `${infer Parameters})`
        ? FromParts<Head, Trim<Parameters>, Types>
        : Unknown
    : Unknown;

type FromParts<Head extends string, Parameters extends string, Types extends TypeTable> = Parameters extends "" | "void"
  ? { readonly arguments: []; readonly return: Declared<Head, Types> }
  : FromPieces<Head, SplitCommas<Parameters>, Types>;

type FromPieces<Head extends string, Pieces extends string[], Types extends TypeTable> = Pieces extends [
  ...infer Fixed extends string[],
  "...",
]
  ? { readonly arguments: All<Fixed, Types>; readonly return: Declared<Head, Types>; readonly variadic: true }
  : { readonly arguments: All<Pieces, Types>; readonly return: Declared<Head, Types> };

type All<Pieces extends string[], Types extends TypeTable> = { [I in keyof Pieces]: Declared<Pieces[I], Types> };

/** Commas outside of brackets: pieces are put together until their brackets are balanced. */
type SplitCommas<Text extends string, Open extends string = ""> = Text extends `${infer First},${infer Rest}`
  ? Count<`${Open}${First}`, "("> extends Count<`${Open}${First}`, ")">
    ? [Trim<`${Open}${First}`>, ...SplitCommas<Rest>]
    : SplitCommas<Rest, `${Open}${First},`>
  : [Trim<`${Open}${Text}`>];

type Count<
  Text extends string,
  What extends string,
  Found extends 0[] = [],
> = Text extends `${infer _}${What}${infer Rest}` ? Count<Rest, What, [...Found, 0]> : Found["length"];

/** The native type of one declaration: a parameter, or a function's head. */
type Declared<Text extends string, Types extends TypeTable> = Text extends `${string}(${string}`
  ? Callback<Text, Types>
  : Text extends `${infer Before}[${string}`
    ? Pointed<Before, "">
    : Text extends `${infer Before}*${infer After}`
      ? Pointed<Before, After>
      : Plain<Words<Text>, Types>;

type Callback<
  Text extends string,
  Types extends TypeTable,
> = Text extends `${infer Head}(*${infer Name})(${infer Parameters})`
  ? Name extends `${string}(${string}`
    ? Uninferred
    : { readonly function: FromParts<Head, Trim<Parameters>, Types> }
  : Uninferred;

/** `const char *` and no further star is a string. */
type Pointed<Before extends string, After extends string> = `${Before}${After}` extends `${string}*${string}`
  ? "pointer"
  : "const" extends Words<Before>
    ? "char" extends Words<Before>
      ? Extract<Words<Before>, "signed" | "unsigned"> extends never
        ? "string"
        : "pointer"
      : "pointer"
    : "pointer";

type Long = "long" | "int64_t" | "uint64_t" | "size_t" | "ssize_t" | "ptrdiff_t" | "intptr_t" | "uintptr_t";
type Small = "char" | "short" | "int" | "signed" | "unsigned" | "enum";
type SmallFixed = "int8_t" | "uint8_t" | "int16_t" | "uint16_t" | "int32_t" | "uint32_t";

/** A type by the words of its declaration, in any order, with the declared name among them. */
type Plain<W extends string, Types extends TypeTable> = [Extract<W, KnownNames<Types>>] extends [never]
  ? "double" extends W
    ? "long" extends W
      ? Uninferred
      : "double"
    : "float" extends W
      ? "float"
      : [Extract<W, "bool" | "_Bool">] extends [never]
        ? [Extract<W, Long>] extends [never]
          ? [Extract<W, Small | SmallFixed>] extends [never]
            ? "void" extends W
              ? "void"
              : Uninferred
            : "int32"
          : "int64"
        : "bool"
  : Named<Types[Extract<W, KnownNames<Types>>]>;

/** The names of a table, where its type says them. */
type KnownNames<Types> = string extends keyof Types ? never : keyof Types;

/** A type of the table; C text there is read as a declaration that uses no other name of it. */
type Named<N> = N extends ScalarName
  ? N
  : N extends string
    ? N extends `${string}{${string}`
      ? Uninferred
      : Declared<N, Record<never, never>>
    : N;

type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : Text;

/** White space as blanks, one kind at a time: a pattern with a choice would infer the product of all that match. */
type Spaces<Text extends string> = Replace<Replace<Replace<Text, "\n">, "\t">, "\r">;

type Replace<Text extends string, What extends string> = Text extends `${infer Before}${What}${infer After}`
  ? Replace<`${Before} ${After}`, What>
  : Text;

type Trim<Text extends string> = Text extends ` ${infer Rest}`
  ? Trim<Rest>
  : Text extends `${infer Rest} `
    ? Trim<Rest>
    : Text;

type WithoutSemicolon<Text extends string> = Text extends `${infer Rest};` ? Trim<Rest> : Text;
