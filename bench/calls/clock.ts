/** Monotonic time in ns. A BigInt is not made: reading this costs some 50 ns. */
export function nanoseconds(): number {
  return performance.now() * 1e6;
}

/** Fails unless a measured function did what it was called for. */
export function expect(value: unknown, expected: unknown, what: string): void {
  if (value !== expected) throw new Error(`${what} gave ${value}, expected ${expected}`);
}
