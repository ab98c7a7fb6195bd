import { hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { koffi } from "./koffi.ts";
import { errno, libc } from "./libc.ts";
import { Errno, systemError } from "./system-error.ts";

let resolverPrototype: object | undefined;
let pointerPrototype: object | undefined;

/** Calls `void *f(void)` in this process, on koffi's stack (2 MiB): an IFUNC resolver. */
export function callResolver(address: number): number {
  resolverPrototype ??= koffi().proto("intptr_t", []);
  return Number(koffi().call(BigInt(checked(address)), resolverPrototype));
}

/** Calls `void f(void *)` in this process. */
export function callWithPointer(address: number, argument: number): void {
  pointerPrototype ??= koffi().proto("void", ["intptr_t"]);
  koffi().call(BigInt(checked(address)), pointerPrototype, argument);
}

function checked(address: number): number {
  if (address <= 0) throw new SlablinkError("memory", `cannot call address ${hex(address)}`);
  return address;
}

/**
 * Writes a 64-bit word into this process's memory by process_vm_writev(2): a wrong or read-only address is an error
 * ("Bad address"), not SIGSEGV.
 */
export function writeWord(address: number, value: number): void {
  const local = new BigUint64Array([BigInt(value)]);
  const localVector = new BigUint64Array([koffi().address(local), 8n]);
  const remoteVector = new BigUint64Array([BigInt(address), 8n]);
  const [from, to] = [new Uint8Array(localVector.buffer), new Uint8Array(remoteVector.buffer)];
  if (libc.process_vm_writev(process.pid, from, 1, to, 1, 0) === 8) return;
  const number = errno();
  if (number !== Errno.ENOSYS && number !== Errno.EPERM) {
    throw systemError("memory", `cannot write 8 bytes at ${hex(address)}`, number);
  }
  // A sandbox without the system call: the plain way.
  libc.memcpy(address, new Uint8Array(local.buffer), 8);
}
