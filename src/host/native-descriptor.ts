import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

/** Of <fcntl.h>. */
const O_CLOEXEC = 0o2000000;

// In a worker thread Node keeps account of the descriptors that it has opened: it warns when it is to close others, and closes those of its own
// at the thread's end. So what the C library has opened, the C library closes.

/** open(2), close-on-exec; the descriptor is to be closed by `closeNative`. Errors: code "file" with the path and the reason. */
export function openNative(path: string, flags: number, mode = 0): number {
  const fd = libc.open(path, flags | O_CLOEXEC, mode);
  if (fd === -1) throw systemError("file", `${path}: cannot be opened`, errno());
  return fd;
}

/** close(2), of a descriptor that is none of Node's. */
export function closeNative(fd: number): void {
  libc.close(fd);
}
