import { koffi, type NativeFunction } from "./koffi.ts";
import { libc } from "./libc.ts";

const SYS_futex = 202;
const SYS_sched_yield = 24;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const EVERYBODY = 0x7fff_ffff;

let call: NativeFunction | undefined;
/** struct timespec: seconds, nanoseconds. */
const limit = new Uint8Array(16);
const seconds = new Uint32Array(limit.buffer);

function futex(address: number, operation: number, value: number, timeout: Uint8Array | null): void {
  call ??= koffi()
    .load(null)
    .func("syscall", "long", ["long", "intptr_t", "int", "uint", "void *", "intptr_t", "uint"]);
  call(SYS_futex, address, operation, value, timeout, 0, 0);
}

/**
 * futex(2): sleeps until the 32-bit word at `address` is woken, if it holds `value`; `milliseconds` at most. May return for no reason. Not the
 * private kind: the word may lie in memory that several processes share.
 */
export function waitForWord(address: number, value: number, milliseconds: number): void {
  seconds[0] = Math.floor(milliseconds / 1000);
  seconds[2] = Math.floor((milliseconds % 1000) * 1_000_000);
  futex(address, FUTEX_WAIT, value, limit);
}

/** sched_yield(2): lets other threads run. */
export function yieldProcessor(): void {
  libc.syscall(SYS_sched_yield, 0, 0);
}

/** Wakes all that sleep on the word at `address`. */
export function wakeWord(address: number): void {
  futex(address, FUTEX_WAKE, EVERYBODY, null);
}
