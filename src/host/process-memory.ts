import { hex } from "../bytes/address.ts";
import { ExecutorError, SlablinkError } from "../errors.ts";
import { koffi } from "./koffi.ts";
import { errno, libc } from "./libc.ts";
import { mappingAt, readMaps } from "./maps.ts";
import { Errno, systemError } from "./system-error.ts";

/** What one system call moves at most (read(2), notes), in whole pages. */
const MOST_AT_ONCE = 0x7fff_f000;

/**
 * A copy of [address, address + size) of a process of this machine's, this one included, by process_vm_readv(2): no thread of it is asked or
 * stopped. Errors: RangeError where it is not readable; ExecutorError where the process has ended, even if nobody has
 * been told yet; code "memory" where the system does not allow it.
 */
export function readProcessMemory(pid: number, address: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  move("read", pid, address, bytes);
  return bytes;
}

/** Writes to a process as `readProcessMemory` reads; pages that it may not write to itself are refused. */
export function writeProcessMemory(pid: number, address: number, bytes: Uint8Array): void {
  move("write", pid, address, bytes);
}

type Way = "read" | "write";

function move(way: Way, pid: number, address: number, bytes: Uint8Array): void {
  const call = way === "read" ? "process_vm_readv" : "process_vm_writev";
  const [local, remote] = [new BigUint64Array(2), new BigUint64Array(2)];
  const [here, there] = [new Uint8Array(local.buffer), new Uint8Array(remote.buffer)];
  const start = bytes.length > 0 ? koffi().address(bytes) : 0n;
  for (let done = 0; done < bytes.length; ) {
    const length = BigInt(Math.min(bytes.length - done, MOST_AT_ONCE));
    local.set([start + BigInt(done), length]);
    remote.set([BigInt(address + done), length]);
    const count = libc[call](pid, here, 1, there, 1, 0);
    if (count > 0) done += count;
    else throw refusal(way, pid, address, bytes.length, address + done, errno());
  }
}

/** `at`: the first byte that could not be moved. */
function refusal(way: Way, pid: number, address: number, size: number, at: number, number: number): Error {
  const what = `cannot ${way} ${hex(size)} bytes at ${hex(address)}`;
  if (number === Errno.ESRCH) return new ExecutorError(`${what}: process ${pid} has ended`);
  if (number !== Errno.EFAULT) return systemError("memory", what, number);
  try {
    const found = mappingAt(readMaps(pid), at);
    if (found === undefined) return new RangeError(`${what}: nothing is mapped at ${hex(at)}`);
    const range = `[${hex(found.start)}, ${hex(found.end)})`;
    return new RangeError(`${what}: ${hex(at)} lies in ${range} ${found.permissions} ${found.path}`.trimEnd());
  } catch (error) {
    if (error instanceof SlablinkError) throw error;
    return new RangeError(`${what}: not mapped so in process ${pid}`);
  }
}
