import { constants } from "node:buffer";
import { hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { koffi } from "./koffi.ts";
import { libc } from "./libc.ts";

/** The longest range that one ArrayBuffer can view: 4 GiB on Node 20; beyond it the process would be aborted. */
export const MAX_VIEW_SIZE = constants.MAX_LENGTH;

/** An ArrayBuffer over native memory (35 µs; make one per mapping). Touching it after munmap is SIGSEGV: see detach. */
export function viewMemory(address: number, size: number): ArrayBuffer {
  if (address <= 0 || size <= 0 || size > MAX_VIEW_SIZE) {
    throw new SlablinkError(
      "memory",
      `cannot view ${hex(size)} bytes at ${hex(address)}: the size must be from 1 to ${hex(MAX_VIEW_SIZE)} and the address not 0`,
    );
  }
  return koffi().view(address, size);
}

/**
 * Takes the memory away from every view of `buffer`: from then on they have length 0 and accessors throw TypeError.
 * Call it before munmap. False when this engine offers no way; then the addresses must stay mapped.
 */
export function detachView(buffer: ArrayBuffer): boolean {
  try {
    const { transfer } = buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
    if (transfer) transfer.call(buffer);
    else transferToStream(buffer);
  } catch {
    return false;
  }
  return buffer.byteLength === 0;
}

/** Node 20 has no ArrayBuffer.prototype.transfer; a byte stream takes over what is enqueued without copying it. */
function transferToStream(buffer: ArrayBuffer): void {
  new ReadableStream({
    type: "bytes",
    start(controller): void {
      controller.enqueue(new Uint8Array(buffer));
    },
  });
}

/** The pointer that is stored at `address`, as a number. */
export function readPointer(address: number): number {
  return Number(new DataView(readMemory(address, 8).buffer).getBigUint64(0, true));
}

/** Stores a pointer at `address`. */
export function writePointer(address: number, value: number): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  libc.memcpy(address, bytes, bytes.length);
}

/** A copy of native memory; the range must be readable. */
export function readMemory(address: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  if (size > 0) libc.memcpy(bytes, address, size);
  return bytes;
}
