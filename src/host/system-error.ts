import { type ErrorCode, SlablinkError } from "../errors.ts";
import { errno, libc } from "./libc.ts";

/** Node's names for the same numbers, where a caller wants to tell errors apart. */
export const Errno = { EPERM: 1, ENOENT: 2, ENOMEM: 12, EEXIST: 17, EINVAL: 22, ENOSYS: 38 } as const;

/** The error of a native call that just failed: `<what>: <strerror text>`. Call it before any other native call. */
export function systemError(code: ErrorCode, what: string, number = errno()): SlablinkError {
  return new SlablinkError(code, `${what}: ${libc.strerror(number)}`);
}

/** The same for an error thrown by node:fs. */
export function fileError(path: string, cause: unknown): SlablinkError {
  const number = (cause as NodeJS.ErrnoException).errno;
  const text = number === undefined ? (cause as Error).message : libc.strerror(Math.abs(number));
  return new SlablinkError("file", `${path}: ${text}`, { cause });
}
