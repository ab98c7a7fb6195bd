import { writeSync } from "node:fs";
import { hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { errno, libc } from "./libc.ts";
import { fileDirectories, makeMappableFile } from "./mappable-file.ts";
import { closeNative } from "./native-descriptor.ts";
import { Errno, systemError } from "./system-error.ts";

const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
const F_SEAL_SHRINK = 0x2;
const FALLOC_FL_KEEP_SIZE = 0x1;
const FALLOC_FL_PUNCH_HOLE = 0x2;

/** There is no file for memory, whatever its address is to be. */
export class MemoryFileError extends SlablinkError {
  constructor(message: string) {
    super("memory", message);
  }
}

/** Refusals of a place (seccomp, a namespace's sysctl), not of a limit: a file in a directory may do instead. */
const REFUSALS: readonly number[] = [Errno.EPERM, Errno.EACCES, Errno.ENOSYS];

/**
 * An anonymous file in memory (memfd_create(2)) of `size` zero bytes that may be mapped executable and is closed on
 * exec. It has no name in any file system: nothing is left behind however its holders die. No holder can make it smaller (fcntl(2),
 * file sealing): what others have mapped would be SIGBUS. Where the system call is refused, it is a file without a name in a directory,
 * which cannot be sealed. Errors: code "memory".
 */
export function createMemfd(name: string, size: number): number {
  // Kernels before 6.3 refuse MFD_EXEC and allow execution anyway, newer ones may be set up to deny it without; vm.memfd_noexec=2
  // denies it with, and does not keep code from being mapped.
  let fd = libc.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  let number = fd === -1 ? errno() : 0;
  if (number === Errno.EINVAL || number === Errno.EACCES) {
    fd = libc.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    number = fd === -1 ? errno() : 0;
  }
  if (fd === -1 && REFUSALS.includes(number)) fd = makeMappableFile(size)?.fd ?? -1;
  if (fd === -1) throw refusal(name, size, number);
  if (libc.ftruncate(fd, size) !== 0) {
    const number = errno();
    closeNative(fd);
    const limit = number === Errno.EFBIG ? " (more than ulimit -f allows; --memory=rpc needs no file)" : "";
    const what = `cannot size memory file "${name}" to ${hex(size)} bytes${limit}`;
    throw new MemoryFileError(systemError("memory", what, number).message);
  }
  libc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
  return fd;
}

function refusal(name: string, size: number, number: number): MemoryFileError {
  const { message } = systemError("memory", `cannot create memory file "${name}"`, number);
  if (!REFUSALS.includes(number)) return new MemoryFileError(message);
  const others = `none of ${fileDirectories().join(", ")} has ${hex(size)} bytes for a file from which code may be executed`;
  return new MemoryFileError(`${message}, and ${others}: allow memfd_create(2)`);
}

/** Gives the pages of [offset, offset + size) back to the kernel; they read as zero afterwards. */
export function punchHole(fd: number, offset: number, size: number): void {
  if (libc.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) === 0) return;
  // A file system without holes, or a system call that is refused: they stay, and are to read as zero all the same.
  const zeros = new Uint8Array(Math.min(size, 2 ** 20));
  try {
    for (let done = 0; done < size; )
      done += writeSync(fd, zeros, 0, Math.min(zeros.length, size - done), offset + done);
  } catch (cause) {
    const what = `cannot free ${hex(size)} bytes of a memory file at ${hex(offset)}`;
    throw new SlablinkError("memory", `${what}: ${(cause as Error).message}`, { cause });
  }
}
