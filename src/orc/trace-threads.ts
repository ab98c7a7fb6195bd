import type { KernelThreads } from "../kernel/threads.ts";
import type { Tracer } from "../trace/tracer.ts";

const traced = new WeakMap<KernelThreads, WeakSet<Tracer>>();

/** Makes spans of what the kernel's threads do, each of them a thread of the trace. */
export function traceThreads(threads: KernelThreads, trace: Tracer): void {
  const tracers = traced.get(threads) ?? new WeakSet<Tracer>();
  if (tracers.has(trace)) return;
  traced.set(threads, tracers.add(trace));
  threads.observe(({ thread, name, start, end }) => {
    trace.add({ thread: `kernel thread ${thread}`, spans: [{ name, start, end }] });
  });
}
