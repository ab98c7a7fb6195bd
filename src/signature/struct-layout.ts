import { alignUp } from "../bytes/address.ts";
import type { ArrayType, StructMember, StructType, ValueType } from "./value-type.ts";

/** Most bytes that one call passes by value: native code may run on a stack of 128 KiB (koffi's for calls beside the event loop). */
export const MOST_BYTES = 1 << 16;

/**
 * Lays members out as C does. `alignment` asks for more than the members do, as `_Alignas` on the first of them would; 16 at most, which
 * is how a stack is aligned. Errors: TypeError without members, with a name twice, or over 64 KiB.
 */
export function structType(
  members: readonly (readonly [name: string, type: ValueType | ArrayType])[],
  alignment = 1,
): StructType {
  if (members.length === 0) throw new TypeError("a struct has no members");
  if (![1, 2, 4, 8, 16].includes(alignment)) {
    throw new TypeError(`a struct's alignment is ${alignment}, not 1, 2, 4, 8 or 16`);
  }
  const placed: StructMember[] = [];
  let size = 0;
  for (const [name, type] of members) {
    if (placed.some((member) => member.name === name)) throw new TypeError(`a struct has two members "${name}"`);
    const offset = alignUp(size, type.alignment);
    placed.push({ name, offset, type });
    size = offset + type.size;
    alignment = Math.max(alignment, type.alignment);
  }
  size = alignUp(size, alignment);
  if (size > MOST_BYTES) throw new TypeError(`a struct of ${size} bytes is larger than ${MOST_BYTES}: pass a pointer`);
  return { kind: "struct", size, alignment, members: placed };
}

/** An array of at least one element. Errors: TypeError for another length, or over 64 KiB. */
export function arrayType(element: ValueType | ArrayType, length: number): ArrayType {
  if (!Number.isSafeInteger(length) || length < 1) throw new TypeError(`an array's length is ${length}, not 1 or more`);
  const size = element.size * length;
  if (size > MOST_BYTES) throw new TypeError(`an array of ${size} bytes is larger than ${MOST_BYTES}: pass a pointer`);
  return { kind: "array", size, alignment: element.alignment, element, length };
}
