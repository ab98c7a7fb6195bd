import { koffi } from "./koffi.ts";

/** Where this process has the bytes of an array, which must stay referenced while the address is used. */
export function bytesAddress(array: ArrayBufferView): number {
  return Number(koffi().address(array));
}
