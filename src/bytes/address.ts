/** 2^32, the weight of the high word of a 64-bit field. */
export const TWO_32 = 0x1_0000_0000;

/** The highest address that any signed 32-bit field reaches. */
export const LOW_END = 0x7fff_ffff;

/** Rounds `value` up to a multiple of `alignment` (a power of two, or any positive number). */
export function alignUp(value: number, alignment: number): number {
  const rest = value % alignment;
  return rest === 0 ? value : value + (alignment - rest);
}

/** Rounds `value` down to a multiple of `alignment`. */
export function alignDown(value: number, alignment: number): number {
  return value - (value % alignment);
}

/** Whether `value` is 1, 2, 4, … */
export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** `0x…` in lower case, with the sign in front, as linkers print it. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** Half-open range of addresses in an executor. */
export interface AddressRange {
  /** Address of the first byte. */
  readonly start: number;
  /** Address behind the last byte. */
  readonly end: number;
}
