import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import type { NativeFunction } from "./koffi.ts";
import { errno, libc } from "./libc.ts";
import { Errno, systemError } from "./system-error.ts";

/** The page size of x86-64 Linux. */
export const PAGE_SIZE = 4096;

/** Protection bits, as in <sys/mman.h>. */
export const Protection = {
  /** PROT_NONE */
  none: 0,
  /** PROT_READ */
  read: 1,
  /** PROT_WRITE */
  write: 2,
  /** PROT_EXEC */
  exec: 4,
} as const;

/** Mapping flags, as in <sys/mman.h> for x86-64. */
export const MapFlag = {
  shared: 0x1,
  private: 0x2,
  fixed: 0x10,
  anonymous: 0x20,
  noReserve: 0x4000,
  populate: 0x8000,
  fixedNoReplace: 0x10_0000,
} as const;

/** Arguments of mmap(2): bytes, bits of `Protection`, bits of `MapFlag`. */
export interface MapRequest {
  /** 0: wherever the kernel likes. */
  readonly address?: number;
  readonly size: number;
  readonly protection: number;
  readonly flags: number;
  /** -1 for anonymous memory. */
  readonly fd?: number;
  readonly offset?: number;
}

/** mmap(2); answers the address. Errors: code "memory" with the request and strerror's text. */
export function mapMemory(request: MapRequest): number {
  const { address = 0, size, protection, flags, fd = -1, offset = 0 } = request;
  const result = libc.mmap(address, size, protection, flags, fd, offset);
  if (result === -1) {
    const number = errno();
    const limit =
      number === Errno.ENOMEM
        ? " (a process may have as many mappings as vm.max_map_count says, and ulimit -v of address space)"
        : "";
    throw systemError("memory", `cannot map ${hex(size)} bytes at ${hex(address)}${limit}`, number);
  }
  return result;
}

/** Of <sys/mman.h>. */
const MADV_DONTNEED = 4;
const MADV_REMOVE = 9;
/** Of <sys/mman.h>; kernels before 5.14 do not know them, and make pages as they are touched. */
const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;

/** Has a thread of Node's pool map the pages of a range that are in the page cache. */
export function populateForReading(address: number, size: number): void {
  adviseLater(address, size, MADV_POPULATE_READ);
}

/** Has a thread of Node's pool get zeroed pages for a range. */
export function populateForWriting(address: number, size: number): void {
  adviseLater(address, size, MADV_POPULATE_WRITE);
}

function adviseLater(address: number, size: number, advice: number): void {
  (libc.madvise as unknown as NativeFunction).async(address, alignUp(size, PAGE_SIZE), advice, () => {});
}

/** Gives the pages of private anonymous memory back to the system: it reads as zero afterwards. False if that is not to be had. */
export function discardPages(address: number, size: number): boolean {
  return libc.madvise(address, size, MADV_DONTNEED) === 0;
}

/** Gives the pages of a shared mapping's file back to the system: they read as zero in every mapping. False if that is not to be had. */
export function discardSharedPages(address: number, size: number): boolean {
  return libc.madvise(address, size, MADV_REMOVE) === 0;
}

/** munmap(2) of whole pages. */
export function unmapMemory(address: number, size: number): void {
  if (libc.munmap(address, alignUp(size, PAGE_SIZE)) !== 0) {
    throw systemError("memory", `cannot unmap ${hex(size)} bytes at ${hex(address)}`);
  }
}

/** mprotect(2) of whole pages. */
export function protectMemory(address: number, size: number, protection: number): void {
  if (libc.mprotect(address, alignUp(size, PAGE_SIZE), protection) !== 0) {
    throw systemError("memory", `cannot protect ${hex(size)} bytes at ${hex(address)}`);
  }
}

/**
 * Reserves inaccessible address space that costs no memory. With an address it is taken exactly there or not at all:
 * then the answer is undefined when something else lives in the range.
 */
export function reserveAddressSpace(size: number, address?: number): AddressRange | undefined {
  const exact = address === undefined ? 0 : MapFlag.fixedNoReplace;
  const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve | exact;
  const start = libc.mmap(address ?? 0, size, Protection.none, flags, -1, 0);
  if (start === -1) {
    const number = errno();
    if (address !== undefined && number === Errno.EEXIST) return undefined;
    throw systemError("memory", `cannot reserve ${hex(size)} bytes of address space`, number);
  }
  if (address !== undefined && start !== address) {
    // Kernels before 4.17 do not know MAP_FIXED_NOREPLACE and take the address as a hint.
    unmapMemory(start, size);
    return undefined;
  }
  return { start, end: start + size };
}
