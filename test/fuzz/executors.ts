import { ExecutorUnderTest } from "./executor-under-test.ts";
import { buildExecutor } from "./sanitized.ts";

export * from "./sanitized.ts";

/** The names that an executor announces, with the addresses in it. */
export async function recordSymbols(): Promise<ReadonlyMap<string, number>> {
  const executor = new ExecutorUnderTest(buildExecutor(), {}, [], ["trace"]);
  await executor.ready();
  await executor.end();
  return executor.symbols;
}
