// C source that judges calls: gcc's own code receives and gives values, and says in decimal text what it saw, so that nothing of
// slablink's layout or classification takes part in the judgement.

import type { MemberType, NativeType, StructShape } from "slablink";

/** A value as signatures know it. */
export type Value = number | bigint | boolean | Value[] | { [name: string]: Value };

/** A function with the values that it is called with and returns; the last `variable` arguments stand in place of `...`. */
export interface CallCase {
  readonly types: readonly NativeType[];
  readonly values: readonly Value[];
  readonly result: NativeType | "void";
  readonly resultValue: Value | undefined;
}

const NAMES: Record<string, string> = {
  bool: "_Bool",
  int8: "int8_t",
  uint8: "uint8_t",
  int16: "int16_t",
  uint16: "uint16_t",
  int32: "int32_t",
  uint32: "uint32_t",
  int64: "int64_t",
  uint64: "uint64_t",
  pointer: "void *",
};

/** Names structures once each. */
export class Structs {
  readonly #names = new Map<string, string>();
  #text = "";

  get text(): string {
    return this.#text;
  }

  name(type: MemberType | "void"): string {
    if (typeof type === "string") return NAMES[type] ?? type;
    if (!("struct" in type)) throw new Error("not a type by value");
    const key = JSON.stringify(type);
    let name = this.#names.get(key);
    if (name === undefined) {
      const members = Object.entries(type.struct).map(([member, inner]) => this.#declare(inner, member));
      name = `struct s${this.#names.size}`;
      const aligned = type.align === undefined ? "" : `_Alignas(${type.align}) `;
      this.#text += `${name} { ${aligned}${members.join(" ")} };\n`;
      this.#names.set(key, name);
    }
    return name;
  }

  #declare(type: MemberType, name: string): string {
    let lengths = "";
    while (typeof type === "object" && "array" in type) {
      lengths += `[${type.length}]`;
      type = type.array;
    }
    return `${this.name(type)} ${name}${lengths};`;
  }
}

/** A value as a C expression. */
export function literal(type: MemberType, value: Value, structs: Structs): string {
  if (typeof type === "object" && "struct" in type) {
    const members = Object.entries(type.struct).map(
      ([name, inner]) => `.${name} = ${initializer(inner, (value as Record<string, Value>)[name], structs)}`,
    );
    return `(${structs.name(type)}){ ${members.join(", ")} }`;
  }
  const name = structs.name(type);
  if (type === "float" || type === "double") {
    if (!Number.isFinite(value)) return `(${name})(${(value as number) > 0 ? "" : "-"}1.0 / 0.0)`;
    const digits = Object.is(value, -0) ? "-0.0" : String(value);
    return `(${name})${/[.e]/.test(digits) ? digits : `${digits}.0`}`;
  }
  return `(${name})0x${BigInt.asUintN(64, BigInt(value as number)).toString(16)}ULL`;
}

function initializer(type: MemberType, value: Value, structs: Structs): string {
  if (typeof type !== "object" || !("array" in type)) return literal(type, value, structs);
  return `{ ${(value as Value[]).map((inner) => initializer(type.array, inner, structs)).join(", ")} }`;
}

/** Statements that print every number in a value, each followed by a space. */
export function print(type: MemberType, expression: string, depth = 0): string {
  if (typeof type === "object" && "struct" in type) {
    return Object.entries(type.struct)
      .map(([name, inner]) => print(inner, `${expression}.${name}`, depth))
      .join(" ");
  }
  if (typeof type === "object" && "array" in type) {
    const i = `i${depth}`;
    const one = print(type.array, `${expression}[${i}]`, depth + 1);
    return `for (int ${i} = 0; ${i} < ${type.length}; ${i}++) { ${one} }`;
  }
  if (type === "float" || type === "double") return `P("%.17g ", (double)(${expression}));`;
  if (type === "pointer") return `P("%llu ", (unsigned long long)(uintptr_t)(${expression}));`;
  const signed = String(type).startsWith("int");
  return `P("%ll${signed ? "d" : "u"} ", (${signed ? "" : "unsigned "}long long)(${expression}));`;
}

/** The numbers in a value, in the order of `print`. */
export function leaves(type: MemberType, value: Value): (number | bigint)[] {
  if (typeof type === "object" && "struct" in type) {
    const members = value as Record<string, Value>;
    return Object.entries((type as StructShape).struct).flatMap(([name, inner]) => leaves(inner, members[name]));
  }
  if (typeof type === "object" && "array" in type) {
    return (value as Value[]).flatMap((inner) => leaves(type.array, inner));
  }
  return [typeof value === "boolean" ? Number(value) : (value as number | bigint)];
}

/** Numbers as C printed them, as far as they are to be compared with others. */
export function numbersIn(text: string, like: readonly (number | bigint)[]): (number | bigint)[] {
  const words = text.trim() === "" ? [] : text.trim().split(" ");
  return words.map((word, i) => {
    if (typeof like[i] === "bigint") return BigInt(word);
    return /inf/.test(word) ? (word.startsWith("-") ? -Infinity : Infinity) : Number(word);
  });
}

/** For each case: `fN`, which prints its arguments and returns a constant, and `callsN`, which calls `importN` and prints the result. */
export function sourceOf(cases: readonly CallCase[]): string {
  const structs = new Structs();
  const functions = cases.map(({ types, values, result, resultValue }, n) => {
    const names = types.map((type, i) => `${structs.name(type)} a${i}`);
    const parameters = names.join(", ") || "void";
    const resultName = structs.name(result);
    const returned = result === "void" ? "" : `return ${literal(result, resultValue!, structs)};`;
    const call = `import${n}(${values.map((value, i) => literal(types[i], value, structs)).join(", ")})`;
    const received = result === "void" ? `${call};` : `${resultName} r = ${call}; ${print(result, "r")}`;
    return `
${resultName} f${n}(${parameters}) { at = 0; ${types.map((type, i) => print(type, `a${i}`)).join(" ")} ${returned} }
${resultName} import${n}(${parameters});
void calls${n}(void) { at = 0; ${received} }`;
  });
  return `
#include <stdint.h>
#include <stdio.h>
#include <string.h>
char text[65536];
static int at;
#define P(...) at += snprintf(text + at, sizeof text - at, __VA_ARGS__)
${structs.text}${functions.join("\n")}
/* What thunks call here: shows the block, and answers what lies ready. */
unsigned char seen[65536], answer[65536];
uint64_t seenId, seenSize, answerSize, misaligned;
void __slablink_import(uint64_t id, void *block, uint64_t size) {
  seenId = id;
  seenSize = size;
  misaligned = (uintptr_t)block % 16;
  memcpy(seen, block, size);
  memset(block, 0x5a, size);
  memcpy(block, answer, answerSize);
}
`;
}
