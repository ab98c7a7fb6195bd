// What the package's types say, under the strictest settings of the compiler.
import { type Crash, type ErrorCode, executorPath, launchExecutor, SlablinkError, SpsWriter } from "slablink";

export async function start(): Promise<number | undefined> {
  const epc = await launchExecutor({ path: executorPath() });
  try {
    return epc.pid;
  } finally {
    await epc.disconnect();
  }
}

export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof SlablinkError ? error.code : undefined;

export const bytes: Uint8Array = new SpsWriter().u64(1).bytes;
export const signalOf = (crash: Crash): unknown => crash.signal;

// @ts-expect-error: a path is needed.
export const wrong = launchExecutor({});
