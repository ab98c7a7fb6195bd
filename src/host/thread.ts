import { SlablinkError } from "../errors.ts";
import { libc } from "./libc.ts";
import { Errno } from "./system-error.ts";

/** What there should be room for in any case, in bytes. */
const DEFAULT_STACK_SIZE = 8 * 2 ** 20;
/** What stands for a stack without limit. */
const LARGEST_STACK_SIZE = 2 ** 30;
const RLIMIT_STACK = 3;
/** sizeof(pthread_attr_t) of glibc on x86-64. */
const ATTRIBUTE_SIZE = 56;

let threadLocalRoom = 0;

/** Says how much of every stack belongs to thread-locals that this process was started with room for, in bytes. */
export function addToStacks(threadLocals: number): void {
  threadLocalRoom = threadLocals;
}

/**
 * Starts a native thread at `entry` with `argument`; its stack is as large as RLIMIT_STACK says. koffi's own stacks are
 * too small for programs (2 MiB for calls, 128 KiB for those on libuv's threads). Answers the pthread_t.
 */
export function startThread(entry: number, argument: number): number {
  const attributes = new Uint8Array(new ArrayBuffer(128), 0, Math.max(ATTRIBUTE_SIZE, 72));
  const thread = new Uint8Array(new ArrayBuffer(128), 0, 72);
  check(libc.pthread_attr_init(attributes));
  try {
    // The thread that starts it may have blocked signals so that they go to the program.
    libc.pthread_attr_setsigmask_np(attributes, new Uint8Array(128));
    // Thread-locals lie on the stack too, and may be larger than it.
    const size = mainStackSize() + threadLocalRoom;
    check(libc.pthread_attr_setstacksize(attributes, size));
    let status = libc.pthread_create(thread, attributes, entry, argument);
    const enough = DEFAULT_STACK_SIZE + threadLocalRoom;
    if (status !== 0 && size > enough) {
      // Unlike a main thread's, all of it is counted at once where memory must not be promised beyond what there is.
      check(libc.pthread_attr_setstacksize(attributes, enough));
      status = libc.pthread_create(thread, attributes, entry, argument);
    }
    check(status);
  } finally {
    libc.pthread_attr_destroy(attributes);
  }
  return Number(new DataView(thread.buffer).getBigUint64(0, true));
}

/** Whether a thread, which must not have ended, is one that gives itself back. */
export function isDetached(thread: number): boolean {
  // A time long past: glibc refuses to join a detached thread before it looks at the clock.
  return libc.pthread_timedjoin_np(thread, null, new Uint8Array(16)) === Errno.EINVAL;
}

/** Waits for a thread that is about to end, and is not detached. */
export function joinThread(thread: number): void {
  check(libc.pthread_join(thread, null));
}

/** The size of a main thread's stack in this process (getrlimit(2), RLIMIT_STACK), in bytes. */
export function mainStackSize(): number {
  const limits = new Uint8Array(16);
  if (libc.getrlimit(RLIMIT_STACK, limits) !== 0) return DEFAULT_STACK_SIZE;
  const size = Number(new DataView(limits.buffer).getBigUint64(0, true));
  return Math.min(Math.max(size, 2 ** 16), LARGEST_STACK_SIZE);
}

function check(status: number): void {
  if (status !== 0) throw threadError(status);
}

function threadError(status: number): SlablinkError {
  return new SlablinkError("memory", `cannot run a thread for the program: ${libc.strerror(status)}`);
}
