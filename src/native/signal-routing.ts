import { readFileSync } from "node:fs";
import { milliseconds } from "../host/clock.ts";
import { libc } from "../host/libc.ts";
import { threadNumbers } from "../host/thread-numbers.ts";

/*
 * A signal that is sent to the process goes to any thread that does not block it, by preference the main one, which here is
 * Node's: a program that signals itself would go on before its handler has run. So Node's threads block signals while a program
 * runs. The main thread can do that itself; the others are sent a signal whose handler changes the mask they return to.
 */

/** What runs in each of Node's threads: void handler(int, siginfo_t *, ucontext_t *). */
export const BLOCK_SIGNALS_HANDLER: readonly number[] = [
  0x48,
  0xb8,
  0x27,
  0xfb,
  0xff,
  0x7f,
  0xfe,
  0xff,
  0xff,
  0xff, // movabs rax, all but synchronous ones and the C library's own
  0x48,
  0x89,
  0x82,
  0x28,
  0x01,
  0x00,
  0x00, //                   mov [rdx+0x128], rax    uc_sigmask
  0xc3, //                                                       ret
];

/** ILL, TRAP, BUS, FPE, SEGV are answers to an instruction; 32 and 33 belong to the C library's threads. */
const UNBLOCKABLE = [4, 5, 7, 8, 11, 32, 33];
/** The last real-time signal: the least likely to mean something to anybody. */
const SIGNAL = 64;
/** What all those threads block then, as the kernel shows it: neither KILL nor STOP. */
const BLOCKED = 0xffff_fffe_7ffb_fa27n;
/** How long to wait for threads that do not get to run, in ms. */
const PATIENCE = 1000;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const SA_SIGINFO = 4;
const SA_RESTART = 0x1000_0000;

/** Makes Node's threads block signals; `handler` is where BLOCK_SIGNALS_HANDLER lies. Gives what undoes it for the main thread. */
export function routeSignalsToProgram(handler: number): () => void {
  const action = new Uint8Array(152);
  const view = new DataView(action.buffer);
  view.setBigUint64(0, BigInt(handler), true);
  view.setUint32(136, SA_SIGINFO | SA_RESTART, true);
  libc.sigaction(SIGNAL, action, null);
  const threads = threadNumbers().filter((thread) => Number(thread) !== process.pid);
  for (const thread of threads) libc.tgkill(process.pid, Number(thread), SIGNAL);
  const set = new Uint8Array(128).fill(0xff, 0, 8);
  for (const signal of UNBLOCKABLE) set[(signal - 1) >> 3] &= ~(1 << ((signal - 1) & 7));
  const before = new Uint8Array(128);
  libc.pthread_sigmask(SIG_BLOCK, set, before);
  // Then the program has this signal for itself as well.
  if (waitUntilBlocked(threads)) libc.sigaction(SIGNAL, new Uint8Array(152), null);
  return () => void libc.pthread_sigmask(SIG_SETMASK, before, null);
}

/** A signal is handled when its thread runs next, which on a busy machine may be after the program has begun. False: not in time. */
function waitUntilBlocked(threads: readonly string[]): boolean {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const end = milliseconds() + PATIENCE;
  for (let rest = threads; ; Atomics.wait(never, 0, 0, 0.05)) {
    rest = rest.filter((thread) => !blocksSignals(thread));
    if (rest.length === 0) return true;
    if (milliseconds() > end) return false;
  }
}

function blocksSignals(thread: string): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/self/task/${thread}/status`, "latin1");
  } catch {
    return true; // It has ended.
  }
  const [, blocked = "0"] = /^SigBlk:\t([0-9a-f]+)$/m.exec(status) ?? [];
  return (BigInt(`0x${blocked}`) & BLOCKED) === BLOCKED;
}
