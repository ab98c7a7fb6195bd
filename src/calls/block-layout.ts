/**
 * What stands for values that are addresses in the process that runs the code. `type` is the value's in the signature. Errors: RangeError,
 * TypeError.
 */
export interface PointerContext {
  addressOf(value: unknown, type: never): number;
  /** A C string at an address; null for address 0. */
  readString(address: number): string | null;
}

/** How a call's values lie in its block: the part of a `CallLayout` that a channel needs. */
export interface BlockLayout {
  /** Bytes, a multiple of 16. */
  readonly blockSize: number;
  encodeArguments(values: readonly unknown[], view: DataView, offset: number, pointers: PointerContext): void;
  decodeResult(view: DataView, offset: number, pointers: PointerContext): unknown;
  decodeArguments(view: DataView, offset: number, pointers: PointerContext): unknown[];
  encodeResult(value: unknown, view: DataView, offset: number, pointers: PointerContext): void;
}
