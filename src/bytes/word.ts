import { TWO_32 } from "./address.ts";

/** Writes a little-endian 64-bit word from a number, signed or not (|value| ≤ 2^53), at byte `at` of `view`. */
export function setWord64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}
