import { readFileSync } from "node:fs";
import { monotonicNow } from "./monotonic-clock.ts";
import type { Tracer } from "./tracer.ts";

/** The kernel counts a process's start in clock ticks (USER_HZ), which are 10 ms on every x86-64 Linux. */
const TICK = 10_000_000;
/** A process that was something else for longer than this before it became Node begins, for a trace, with Node. */
const LONGEST_START = 1_000_000_000;

/**
 * When this process began, in ns as `monotonicNow`. The kernel says it to 10 ms (proc(5), starttime in /proc/PID/stat); within them
 * it is taken to have been as long ago as the main thread has been running or ready to (/proc/PID/schedstat), and before Node's
 * own first measurement. That is exact where nothing was waited for, as when all is in the page cache.
 */
export function processStart(): number {
  const node = timeOrigin();
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const [running = 0, waiting = 0] = readFileSync("/proc/self/schedstat", "latin1").split(" ").map(Number);
    const earliest = ticks * TICK;
    const latest = Math.min(earliest + TICK, node);
    const busy = monotonicNow() - running - waiting;
    // Not so where the machine slept (the kernel counts that) or another program made itself this one by execve(2).
    if (earliest > node || node - earliest > LONGEST_START || Number.isNaN(busy)) return node;
    return Math.min(Math.max(busy, earliest), latest);
  } catch {
    return node;
  }
}

/** `performance.timeOrigin` in ns as `monotonicNow`: what lies between two readings of the one clock is a reading of the other. */
function timeOrigin(): number {
  let best = { error: Number.POSITIVE_INFINITY, origin: 0 };
  for (let i = 0; i < 8; i++) {
    const before = monotonicNow();
    const since = performance.now();
    const after = monotonicNow();
    if (after - before < best.error) {
      best = { error: after - before, origin: Math.round((before + after) / 2 - since * 1e6) };
    }
  }
  return best.origin;
}

/** Adds what passed before the first line of ours ran, at `firstLine`, by Node's own measurements (`performance.nodeTiming`). */
export function addStartOfNode(tracer: Tracer, start: number, firstLine: number): void {
  const { nodeStart, v8Start, environment, bootstrapComplete } = performance.nodeTiming;
  const origin = timeOrigin();
  const parts: [name: string, end: number][] = [
    ["exec and dynamic loader", nodeStart],
    ["Node: options, OpenSSL", v8Start],
    ["V8", environment],
    ["Node: bootstrap", bootstrapComplete],
    ["Node: load main script", Number.POSITIVE_INFINITY],
  ];
  tracer.addSpan("start of Node", start, firstLine, { version: process.version });
  let at = start;
  for (const [name, milliseconds] of parts) {
    const end = Math.max(at, Math.min(firstLine, Math.round(origin + milliseconds * 1e6)));
    tracer.addSpan(name, at, end);
    at = end;
  }
}
