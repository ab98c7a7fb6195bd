// Declarations of C text (C11 6.7): one function's, behind structures and typedefs that it uses. A declarator is read twice where it is
// nested, `int (*f)(int)`: first what stands behind it, then itself with that as its base.

import { type Token, textError, tokensOf } from "./c-tokens.ts";
import { type CType, CTypeError, memberOf, parameterOf, pointerTo, resultOf, structOf, valueCType } from "./c-type.ts";
import { REFUSED, scalarNamed } from "./type-names.ts";
import { type ArrayType, type Parameter, type ResolvedSignature, scalarType, type ValueType } from "./value-type.ts";

/** The type of a name that C text may use; undefined for an unknown one. */
export type NamedTypes = (name: string) => ValueType | ArrayType | undefined;

const QUALIFIERS = new Set(["const", "volatile", "restrict", "__restrict", "__restrict__", "_Nonnull", "_Nullable"]);
const STORAGE = new Set(["extern", "static", "inline", "register", "typedef", "_Noreturn"]);
const WORDS = new Set(["signed", "unsigned", "short", "long", "int", "char", "float", "double", "void", "_Bool"]);
const TAGS = new Set(["struct", "union", "enum"]);

/** Combinations of words that name an arithmetic type, sorted, `int` left out where another word is (C11 6.7.2). */
const ARITHMETIC: Readonly<Record<string, string>> = {
  _Bool: "bool",
  char: "char",
  "char signed": "signed char",
  "char unsigned": "unsigned char",
  short: "short",
  "short signed": "short",
  "short unsigned": "unsigned short",
  int: "int",
  signed: "int",
  unsigned: "unsigned",
  long: "long",
  "long signed": "long",
  "long unsigned": "unsigned long",
  "long long": "long long",
  "long long signed": "long long",
  "long long unsigned": "unsigned long long",
  float: "float",
  double: "double",
};

interface Declarator {
  readonly name: string | undefined;
  readonly type: CType;
  readonly column: number;
}

/** Reads `text` as one function's declaration. Errors: TypeError with the column and what was expected there. */
export function parseSignature(text: string, types: NamedTypes): ResolvedSignature {
  return new Parser(text, types).signature();
}

/** Reads `text` as a type, such as `struct { double x, y; }`. Errors: TypeError. */
export function parseType(text: string, types: NamedTypes): ValueType | ArrayType {
  return new Parser(text, types).type();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #types: NamedTypes;
  readonly #typedefs = new Map<string, CType>();
  readonly #structs = new Map<string, CType>();
  #at = 0;

  constructor(text: string, types: NamedTypes) {
    this.#text = text;
    this.#tokens = tokensOf(text);
    this.#types = types;
  }

  signature(): ResolvedSignature {
    for (;;) {
      const isTypedef = this.#tokens.slice(this.#at, this.#at + 2).some(({ text }) => text === "typedef");
      const base = this.#specifiers();
      // `struct point { double x, y; };` declares nothing but its tag.
      if (this.#accept(";")) continue;
      const { name, type, column } = this.#declarator(base);
      if (isTypedef) {
        if (name === undefined) throw this.#expected("a name");
        this.#typedefs.set(name, type);
        this.#expect(";");
        continue;
      }
      if (type.c !== "function") throw textError(this.#text, column, `expected a function, found ${describe(type)}`);
      this.#accept(";");
      if (this.#next.text !== "") throw this.#expected("the end");
      return { ...type.signature, name };
    }
  }

  type(): ValueType | ArrayType {
    const { type, name, column } = this.#declarator(this.#specifiers());
    if (name !== undefined) throw textError(this.#text, column, `expected a type, not the declaration of "${name}"`);
    if (this.#next.text !== "") throw this.#expected("the end");
    return this.#convert(column, () => memberOf(type));
  }

  /** What stands before declarators: qualifiers and one type, in any order. */
  #specifiers(): CType {
    const words: string[] = [];
    let isConst = false;
    let named: CType | undefined;
    const { column } = this.#next;
    for (;;) {
      const { text } = this.#next;
      if (QUALIFIERS.has(text)) isConst ||= text === "const";
      else if (STORAGE.has(text)) {
        // Says nothing about how the function is called.
      } else if (WORDS.has(text) && named === undefined) words.push(text);
      else if (Object.hasOwn(REFUSED, text) && text !== "union") named = this.#opaque(REFUSED[text]);
      else if (TAGS.has(text) && words.length === 0 && named === undefined) {
        named = this.#tagged(text);
        continue;
      } else if (/^[A-Za-z_]/.test(text) && words.length === 0 && named === undefined) named = this.#named(text);
      else break;
      this.#at++;
    }
    if (named !== undefined) return named;
    if (words.length === 0) throw this.#expected("a type");
    if (words.length === 1 && words[0] === "void") return { c: "void" };
    const key =
      words
        .filter((word) => word !== "int")
        .sort()
        .join(" ") || "int";
    if (key === "double long") return this.#opaque(REFUSED["long double"], column);
    const name = ARITHMETIC[key];
    if (name === undefined) throw textError(this.#text, column, `expected a type, found "${words.join(" ")}"`);
    return valueCType(scalarNamed(name)!, name === "char" && isConst);
  }

  #named(name: string): CType {
    const local = this.#typedefs.get(name);
    if (local !== undefined) return local;
    const type = this.#types(name) ?? (name.endsWith("_t") || name === "bool" ? scalarNamed(name) : undefined);
    if (type !== undefined) return valueCType(type);
    return this.#opaque(`expected a type, found "${name}": name it in the table of types, or pass a pointer`);
  }

  /** `struct`, `union` or `enum` with its tag, its members, or both. */
  #tagged(keyword: string): CType {
    const { column } = this.#take();
    const tag = /^[A-Za-z_]/.test(this.#next.text) ? this.#take().text : undefined;
    if (keyword === "enum") {
      if (this.#next.text === "{") this.#skipBalanced();
      return valueCType(scalarType("int32"));
    }
    if (keyword === "union") {
      if (this.#next.text === "{") this.#skipBalanced();
      return this.#opaque(REFUSED.union, column);
    }
    if (this.#next.text === "{") {
      const type = this.#convert(column, () => valueCType(structOf(this.#members())));
      if (tag !== undefined) this.#structs.set(tag, type);
      return type;
    }
    if (tag === undefined) throw this.#expected('a tag or "{"');
    const local = this.#structs.get(tag);
    if (local !== undefined) return local;
    const type = this.#types(`struct ${tag}`) ?? this.#types(tag);
    if (type !== undefined) return valueCType(type);
    return this.#opaque(
      `the members of struct ${tag} are not known: name it in the table of types, or pass a pointer`,
      column,
    );
  }

  #members(): [string, ValueType | ArrayType][] {
    const members: [string, ValueType | ArrayType][] = [];
    this.#expect("{");
    while (!this.#accept("}")) {
      const base = this.#specifiers();
      do {
        const { name, type, column } = this.#declarator(base);
        if (name === undefined) throw this.#expected("a member's name");
        if (this.#next.text === ":") throw textError(this.#text, this.#next.column, "bit-fields are not supported");
        members.push([name, this.#convert(column, () => memberOf(type))]);
      } while (this.#accept(","));
      this.#expect(";");
    }
    return members;
  }

  #declarator(base: CType): Declarator {
    while (this.#accept("*")) {
      base = pointerTo(base);
      while (QUALIFIERS.has(this.#next.text)) this.#at++;
    }
    const { text, column } = this.#next;
    if (text === "(" && !this.#startsParameters()) {
      const nested = this.#at + 1;
      this.#skipBalanced();
      const type = this.#suffixes(base);
      const end = this.#at;
      this.#at = nested;
      const inner = this.#declarator(type);
      this.#expect(")");
      this.#at = end;
      return inner;
    }
    const name = /^[A-Za-z_]/.test(text) ? this.#take().text : undefined;
    return { name, type: this.#suffixes(base), column };
  }

  /** Whether the "(" here opens a list of parameters, not a nested declarator. */
  #startsParameters(): boolean {
    const { text } = this.#tokens[this.#at + 1];
    if (!/^[A-Za-z_]/.test(text)) return text === ")" || text === "...";
    return (
      [QUALIFIERS, STORAGE, WORDS, TAGS].some((set) => set.has(text)) ||
      Object.hasOwn(REFUSED, text) ||
      this.#named(text).c !== "opaque"
    );
  }

  #suffixes(base: CType): CType {
    const { column } = this.#next;
    if (this.#accept("[")) {
      const { text } = this.#next;
      const length = /^\d/.test(text) ? Number(this.#take().text) : undefined;
      while (QUALIFIERS.has(this.#next.text) || this.#next.text === "static") this.#at++;
      if (Number.isNaN(length)) throw textError(this.#text, column, `expected an array's length, found "${text}"`);
      this.#expect("]");
      return { c: "array", element: this.#suffixes(base), length };
    }
    if (!this.#accept("(")) return base;
    const parameters: Parameter[] = [];
    let variadic = false;
    if (!this.#accept(")")) {
      do {
        variadic = this.#accept("...");
        if (variadic) break;
        const type = this.#specifiers();
        if (type.c === "void" && parameters.length === 0 && this.#next.text === ")") break;
        const { column } = this.#next;
        const declared = this.#declarator(type);
        parameters.push(this.#convert(column, () => parameterOf(declared.type, declared.name)));
      } while (this.#accept(","));
      this.#expect(")");
    }
    const type = this.#suffixes(base);
    const result = this.#convert(column, () => resultOf(type));
    return { c: "function", signature: { name: undefined, parameters, result, variadic } };
  }

  get #next(): Token {
    return this.#tokens[this.#at];
  }

  #take(): Token {
    return this.#tokens[this.#at++];
  }

  #accept(text: string): boolean {
    if (this.#next.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.#expected(`"${text}"`);
  }

  /** Passes a bracket and what it encloses. */
  #skipBalanced(): void {
    let depth = 0;
    do {
      const { text } = this.#next;
      if (text === "") throw this.#expected("a closing bracket");
      if ("([{".includes(text)) depth++;
      else if (")]}".includes(text)) depth--;
      this.#at++;
    } while (depth > 0);
  }

  #opaque(why: string, column = this.#next.column): CType {
    return { c: "opaque", why, column };
  }

  #expected(what: string): TypeError {
    const { text, column } = this.#next;
    return textError(this.#text, column, `expected ${what}, found ${text === "" ? "the end" : `"${text}"`}`);
  }

  #convert<T>(column: number, make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw error instanceof CTypeError ? textError(this.#text, error.column ?? column, error.message) : error;
    }
  }
}

function describe(type: CType): string {
  if (type.c === "value") return type.type.kind === "function" ? "a pointer to a function" : `a ${type.type.kind}`;
  return type.c === "array" ? "an array" : type.c === "opaque" ? "an unknown type" : type.c;
}
