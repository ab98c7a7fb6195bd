import { closeSync } from "node:fs";
import { hex } from "../bytes/address.ts";
import { errno, libc } from "./libc.ts";
import { Errno, systemError } from "./system-error.ts";

const MFD_CLOEXEC = 0x1;
const MFD_EXEC = 0x10;
const FALLOC_FL_KEEP_SIZE = 0x1;
const FALLOC_FL_PUNCH_HOLE = 0x2;

/**
 * An anonymous file in memory (memfd_create(2)) of `size` zero bytes that may be mapped executable and is closed on
 * exec. It has no name in any file system: nothing is left behind however its holders die.
 */
export function createMemfd(name: string, size: number): number {
  // Kernels before 6.3 refuse MFD_EXEC and allow execution anyway; newer ones may be set up to deny it without.
  let fd = libc.memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
  if (fd === -1 && errno() === Errno.EINVAL) fd = libc.memfd_create(name, MFD_CLOEXEC);
  if (fd === -1) throw systemError("memory", `cannot create memory file "${name}"`);
  if (libc.ftruncate(fd, size) !== 0) {
    const error = systemError("memory", `cannot size memory file "${name}" to ${hex(size)} bytes`);
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Gives the pages of [offset, offset + size) back to the kernel; they read as zero afterwards. */
export function punchHole(fd: number, offset: number, size: number): void {
  if (libc.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) !== 0) {
    throw systemError("memory", `cannot free ${hex(size)} bytes of a memory file at ${hex(offset)}`);
  }
}
