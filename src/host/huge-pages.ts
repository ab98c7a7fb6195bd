import { libc } from "./libc.ts";

/** Of <sys/mman.h>. */
const MADV_HUGEPAGE = 14;

/** Asks for huge pages where [address, address + size) is going to be touched. A system that gives none goes on with small ones. */
export function adviseHugePages(address: number, size: number): void {
  libc.madvise(address, size, MADV_HUGEPAGE);
}
