import type { ArrayType, ScalarKind, StructType, ValueType } from "./value-type.ts";

/** A letter for each width and extension: 64-bit integers and addresses are the same to machine code. */
const LETTERS: Record<ScalarKind | "function", string> = {
  bool: "h",
  int8: "c",
  uint8: "h",
  int16: "s",
  uint16: "t",
  int32: "i",
  uint32: "j",
  int64: "l",
  uint64: "l",
  pointer: "l",
  string: "l",
  function: "l",
  float: "f",
  double: "d",
};

/**
 * What decides the machine code of a call, as part of a symbol's name: the result, "_", the arguments. A struct is "m" and its size when larger than two eightbytes, else "r", its size and what each
 * eightbyte holds; "a" follows where it is aligned to 16.
 */
export function layoutKey(types: readonly ValueType[], result: ValueType | undefined): string {
  return `${result === undefined ? "v" : typeKey(result)}_${types.map(typeKey).join("")}`;
}

function typeKey(type: ValueType): string {
  if (type.kind !== "struct") return LETTERS[type.kind];
  const aligned = type.alignment > 8 ? "a" : "";
  if (type.size > 16) return `m${type.size}${aligned}`;
  return `r${type.size}${eightbytesOf(type).join("")}${aligned}`;
}

/**
 * What an eightbyte of a struct holds: floating-point numbers only ("F"), others too ("I"), or nothing but padding ("N", behind a small
 * struct that is aligned to 16). For structs of 16 bytes or less.
 */
export function eightbytesOf(type: StructType): ("I" | "F" | "N")[] {
  const eightbytes: ("I" | "F" | "N")[] = new Array(Math.ceil(type.size / 8)).fill("N");
  const visit = (member: ValueType | ArrayType, offset: number): void => {
    if (member.kind === "struct") {
      for (const inner of member.members) visit(inner.type, offset + inner.offset);
    } else if (member.kind === "array") {
      for (let i = 0; i < member.length; i++) visit(member.element, offset + i * member.element.size);
    } else {
      const index = Math.floor(offset / 8);
      const isFloat = member.kind === "float" || member.kind === "double";
      eightbytes[index] = isFloat && eightbytes[index] !== "I" ? "F" : "I";
    }
  };
  visit(type, 0);
  return eightbytes;
}
