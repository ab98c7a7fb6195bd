import { ExecutorUnderTest } from "./executor-under-test.ts";

/** Builds the executor, or one with these of the compiler's sanitizers, when it is out of date, and gives its path. */
export const { buildExecutor, buildSanitizedExecutor } = (await import(
  new URL("../../../scripts/build-executor.mjs", import.meta.url).href
)) as { buildExecutor(): string; buildSanitizedExecutor(sanitizers: string): string };

/** The names that an executor announces, with the addresses in it. */
export async function recordSymbols(): Promise<ReadonlyMap<string, number>> {
  const executor = new ExecutorUnderTest(buildExecutor(), {}, [], ["trace"]);
  await executor.ready();
  await executor.end();
  return executor.symbols;
}
