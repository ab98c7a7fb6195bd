/** Builds the executor with these of the compiler's sanitizers, when it is out of date, and gives its path. */
export const { buildSanitizedExecutor } = (await import(
  new URL("../../../scripts/build-executor.mjs", import.meta.url).href
)) as { buildSanitizedExecutor(sanitizers: string): string };
