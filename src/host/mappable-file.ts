import { constants, statfsSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { libc } from "./libc.ts";
import { MapFlag, PAGE_SIZE, Protection } from "./mapping.ts";
import { closeNative, openNative } from "./native-descriptor.ts";

/** Not in Node's constants: <fcntl.h> of x86-64 Linux. */
const O_TMPFILE = 0o20200000;

/** A file in a directory whose contents may be mapped as code, open for reading and writing. */
export interface MappableFile {
  readonly fd: number;
  /** While it has one: the caller unlinks it. */
  readonly path: string | undefined;
}

let made = 0;

/** The directories in which a file may be made, the usual ones for such files first. */
export function fileDirectories(): string[] {
  const own = [process.env.XDG_RUNTIME_DIR, "/dev/shm", process.env.TMPDIR, "/tmp", "/var/tmp"];
  return [...new Set(own.filter((path) => path?.startsWith("/") === true) as string[])];
}

/**
 * A file in place of memfd_create(2)'s, where that is refused: in a directory with `size` bytes free, on a mount from which code may be
 * executed. `named`: it keeps its name for now. Undefined: there is no such directory.
 */
export function makeMappableFile(size: number, named = false): MappableFile | undefined {
  for (const directory of fileDirectories()) {
    try {
      // Pages that a mapping cannot get would be SIGBUS.
      const { bavail, bsize } = statfsSync(directory);
      if (bavail * bsize < size) continue;
      const file = named ? withName(directory) : withoutName(directory);
      if (mapsCode(file.fd)) return file;
      closeNative(file.fd);
      if (file.path !== undefined) unlinkSync(file.path);
    } catch {
      // Not there, read-only, full: the next one.
    }
  }
  return undefined;
}

function withoutName(directory: string): MappableFile {
  try {
    return { fd: openNative(directory, O_TMPFILE | constants.O_RDWR, 0o600), path: undefined };
  } catch {
    const { fd, path } = withName(directory);
    unlinkSync(path);
    return { fd, path: undefined };
  }
}

function withName(directory: string): { fd: number; path: string } {
  const path = join(directory, `slablink-${process.pid}-${made++}`);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  return { fd: openNative(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600), path };
}

/** Whether the mount allows it (noexec). */
function mapsCode(fd: number): boolean {
  const address = libc.mmap(0, PAGE_SIZE, Protection.read | Protection.exec, MapFlag.private, fd, 0);
  if (address !== -1) libc.munmap(address, PAGE_SIZE);
  return address !== -1;
}
