/** Builds the executor, or one with these of the compiler's sanitizers, when it is out of date, and gives its path. */
export const { buildExecutor, buildSanitizedExecutor } = (await import(
  new URL("../../../scripts/build-executor.mjs", import.meta.url).href
)) as { buildExecutor(): string; buildSanitizedExecutor(sanitizers: string): string };
