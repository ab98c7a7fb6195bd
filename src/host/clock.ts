/**
 * Milliseconds from some moment on. `performance.now()` says the same, but its first use loads node:perf_hooks: 1.5 ms of every
 * start.
 */
export function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
