import { SlablinkError } from "../errors.ts";
import { libc } from "./libc.ts";
import { Errno } from "./system-error.ts";

/** What a main thread gets where the limit is unlimited, in bytes. */
const DEFAULT_STACK_SIZE = 8 * 2 ** 20;
/** Beyond this a limit is not meant as a size. */
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
    // Thread-locals lie on the stack too, and may be larger than it.
    check(libc.pthread_attr_setstacksize(attributes, mainStackSize() + threadLocalRoom));
    // The thread that starts it may have blocked signals so that they go to the program.
    libc.pthread_attr_setsigmask_np(attributes, new Uint8Array(128));
    check(libc.pthread_create(thread, attributes, entry, argument));
  } finally {
    libc.pthread_attr_destroy(attributes);
  }
  return Number(new DataView(thread.buffer).getBigUint64(0, true));
}

/** Waits for a thread that is about to end. One that the program has detached (D's runtime does) gives itself back. */
export function joinThread(thread: number): void {
  const status = libc.pthread_join(thread, null);
  if (status !== Errno.EINVAL) check(status);
}

/** The size of a main thread's stack in this process (getrlimit(2), RLIMIT_STACK), in bytes. */
export function mainStackSize(): number {
  const limits = new Uint8Array(16);
  if (libc.getrlimit(RLIMIT_STACK, limits) !== 0) return DEFAULT_STACK_SIZE;
  const size = Number(new DataView(limits.buffer).getBigUint64(0, true));
  return size > LARGEST_STACK_SIZE ? DEFAULT_STACK_SIZE : Math.max(size, 2 ** 16);
}

function check(status: number): void {
  if (status !== 0) throw threadError(status);
}

function threadError(status: number): SlablinkError {
  return new SlablinkError("memory", `cannot run a thread for the program: ${libc.strerror(status)}`);
}
