// How arguments and results travel: System V psABI for x86-64, section 3.2.3 "Parameter Passing".
//
// A value is a row of eightbytes, each of class INTEGER or SSE, if it has one or two, else of class MEMORY. A struct travels in registers only
// if there are enough left for all of it; otherwise it lies on the stack, which has room for every argument at a multiple of 8 (16 if so
// aligned). x87, vectors and __int128 are not among the types of signatures, so that their classes do not occur.

import { alignUp } from "../bytes/address.ts";
import type { BlockSlot } from "../signature/call-layout.ts";
import { eightbytesOf } from "../signature/layout-key.ts";
import type { ValueType } from "../signature/value-type.ts";

/** How a register's worth of a value is extended to 64 bits: width in bytes, and the sign. */
export interface Width {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

/** A whole eightbyte. */
export const EIGHTBYTE: Width = { size: 8, signed: false };

/** Registers for INTEGER arguments, in order, by their numbers in machine code: rdi, rsi, rdx, rcx, r8, r9. */
export const INTEGER_REGISTERS = [7, 6, 2, 1, 8, 9] as const;

/** xmm0 to xmm7. */
const SSE_REGISTERS = 8;

/** One eightbyte in a register, or a whole value on the stack; `offset` is its place in the call block. */
export type Passage =
  | { readonly to: "integer"; readonly register: number; readonly offset: number; readonly width: Width }
  | { readonly to: "sse"; readonly register: number; readonly offset: number }
  | {
      readonly to: "stack";
      readonly at: number;
      readonly offset: number;
      readonly words: number;
      readonly width: Width;
    };

/** Where everything of one call is. */
export interface Passages {
  readonly passages: readonly Passage[];
  /** Bytes of arguments on the stack, a multiple of 16. */
  readonly stackSize: number;
  /** How many SSE registers are in use: what al says for variable arguments. */
  readonly sseCount: number;
  /** The caller passes the result's address as a first INTEGER argument, and gets it back in rax. */
  readonly resultInMemory: boolean;
}

type Class = "INTEGER" | "SSE" | "NO_CLASS";

/** The classes of a value's eightbytes; undefined: MEMORY. */
export function classify(type: ValueType): readonly Class[] | undefined {
  if (type.kind === "float" || type.kind === "double") return ["SSE"];
  if (type.kind !== "struct") return ["INTEGER"];
  if (type.size > 16) return undefined;
  return eightbytesOf(type).map((kind) => (kind === "F" ? "SSE" : kind === "I" ? "INTEGER" : "NO_CLASS"));
}

/** How the one eightbyte of a scalar is extended. */
export function widthOf(type: ValueType): Width {
  if (type.kind === "struct") return EIGHTBYTE;
  return { size: type.size as Width["size"], signed: type.kind.startsWith("int") };
}

/** Gives every argument its registers or its place on the stack, from left to right. */
export function assignPassages(slots: readonly BlockSlot[], result: ValueType | undefined): Passages {
  const resultInMemory = result !== undefined && classify(result) === undefined;
  let integers = resultInMemory ? 1 : 0;
  let sse = 0;
  let stack = 0;
  const passages: Passage[] = [];
  for (const { offset, type } of slots) {
    const classes = classify(type);
    const integersWanted = classes?.filter((name) => name === "INTEGER").length ?? 0;
    const sseWanted = classes?.filter((name) => name === "SSE").length ?? 0;
    const fits = integers + integersWanted <= INTEGER_REGISTERS.length && sse + sseWanted <= SSE_REGISTERS;
    if (classes === undefined || !fits) {
      const at = alignUp(stack, Math.max(type.alignment, 8));
      const words = Math.ceil(type.size / 8);
      passages.push({ to: "stack", at, offset, words, width: widthOf(type) });
      stack = at + 8 * words;
      continue;
    }
    classes.forEach((name, i) => {
      const from = offset + 8 * i;
      if (name === "INTEGER") {
        const register = INTEGER_REGISTERS[integers++];
        passages.push({ to: "integer", register, offset: from, width: widthOf(type) });
      } else if (name === "SSE") passages.push({ to: "sse", register: sse++, offset: from });
    });
  }
  return { passages, stackSize: alignUp(stack, 16), sseCount: sse, resultInMemory };
}
