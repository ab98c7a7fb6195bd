import { LinkError } from "../errors.ts";
import { mainStackSize } from "../host/thread.ts";
import type { StaticTls, StaticTlsError } from "./static-tls-error.ts";

/** What a thread needs beside its thread-locals, in bytes. */
const SMALLEST_STACK = 2 ** 20;
/** Where RLIMIT_STACK sets no limit: glibc's stacks for threads. */
const UNLIMITED = 2 ** 30;
const STACK_WITHOUT_LIMIT = 2 ** 21;

/**
 * Room for static thread-locals in another's executor, whose threads have them on stacks of the usual size: no more than these can bear. Errors:
 * LinkError when the program needs more.
 */
export function roomInForeign(error: StaticTlsError, room: StaticTls): StaticTls {
  const stack = mainStackSize();
  const limit = (stack >= UNLIMITED ? STACK_WITHOUT_LIMIT : stack) - SMALLEST_STACK;
  if (error.size > limit) {
    throw new LinkError(
      "link",
      `${error.size} bytes of static thread-local storage do not fit the executor's own threads, whose stacks have room for ${limit}; use slablink's executor, or raise the limit (ulimit -s)`,
      { cause: error },
    );
  }
  return { ...room, size: Math.min(room.size, limit) };
}
