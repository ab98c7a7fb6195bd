import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";

/** A huge page of x86-64. */
export const HUGE_PAGE_SIZE = 2 * 2 ** 20;

/** Of <sys/mman.h>. */
const MADV_HUGEPAGE = 14;

const SETTING = "/sys/kernel/mm/transparent_hugepage/enabled";

/** Asks for huge pages where [address, address + size) is going to be touched. A system that gives none goes on with small ones. */
export function adviseHugePages(address: number, size: number): void {
  libc.madvise(address, size, MADV_HUGEPAGE);
}

let isGiven: boolean | undefined;

/** Whether this system gives private memory huge pages when asked. */
export function givesHugePages(): boolean {
  isGiven ??= readSetting();
  return isGiven;
}

function readSetting(): boolean {
  try {
    return !readFileSync(SETTING, "latin1").includes("[never]");
  } catch {
    return false;
  }
}
