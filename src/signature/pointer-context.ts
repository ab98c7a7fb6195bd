import type { ValueType } from "./value-type.ts";

/** Who encodes and decodes a call block's values says what addresses mean in its executor. */
export interface PointerContext {
  /**
   * The address in the executor for a value of type pointer, string or function that is no number, bigint or null: a typed array, an
   * ArrayBuffer, a string, a function. Errors: TypeError for what has no address there.
   */
  addressOf(value: unknown, type: ValueType): number;
  /** The C string at an address; null for address 0. */
  readString(address: number): string | null;
}
