/**
 * Nanoseconds of CLOCK_MONOTONIC, which is one clock for all processes and threads of a machine: `process.hrtime` reads it in
 * Node's threads, clock_gettime(2) in the executor. Exact for 104 days after the machine's start (2^53), to 2 ns for as many more.
 */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
