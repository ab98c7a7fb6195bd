import { koffi } from "./koffi.ts";

/** Where the bytes of a typed array, DataView or ArrayBuffer lie in this process, as long as it is not collected. */
export function bufferAddress(buffer: ArrayBufferView | ArrayBufferLike): number {
  return Number(koffi().address(ArrayBuffer.isView(buffer) ? buffer : new Uint8Array(buffer)));
}
