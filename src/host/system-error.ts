import { type ErrorCode, SlablinkError } from "../errors.ts";
import { errno, libc } from "./libc.ts";

/** Node's names for the same numbers, where a caller wants to tell errors apart. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  EINVAL: 22,
  EFBIG: 27,
  ENOSYS: 38,
} as const;

/** The error of a native call that just failed: `<what>: <strerror text>`. Call it before any other native call. */
export function systemError(code: ErrorCode, what: string, number = errno()): SlablinkError {
  return new SlablinkError(code, `${what}: ${libc.strerror(number)}`);
}

/** What the operating system said, when node:fs throws, without what it was about: `no space left on device`. */
export function systemReason(cause: unknown): string {
  const { errno: number, message } = cause as NodeJS.ErrnoException;
  if (number === undefined) return message;
  const { getSystemErrorMap } = process.getBuiltinModule("node:util");
  return getSystemErrorMap().get(number)?.[1] ?? libc.strerror(Math.abs(number));
}

/** What the operating system said about a file, when node:fs throws: `<path>: <what is wrong>`. */
export function fileError(path: string, cause: unknown): SlablinkError {
  const { code, errno: number, message } = cause as NodeJS.ErrnoException;
  const said = number === undefined ? `cannot be read (${message})` : libc.strerror(Math.abs(number));
  return new SlablinkError("file", `${path}: ${FILE_ERRORS.get(code ?? "") ?? said}`, { cause });
}

const FILE_ERRORS = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "no such file (a part of its path is no directory)"],
  ["EISDIR", "is a directory, expected a file"],
  ["EACCES", "permission denied"],
  ["ELOOP", "too many levels of symbolic links"],
  ["EMFILE", "cannot be opened: this process has too many open files"],
  ["ERR_FS_FILE_TOO_LARGE", "is too large to be read into memory (2 GiB or more)"],
]);
