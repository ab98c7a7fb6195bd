import type { ExecutorProcess, ExecutorProcessOptions } from "../host/process.ts";
import { spawnOverPipes } from "../host/spawn-pipes.ts";
import { StreamChannel } from "./stream-channel.ts";

/** Starts an executor whose stream is two pipes. Errors: ExecutorError with the path and the reason. */
export async function startOverPipes(
  how: Omit<ExecutorProcessOptions, "arguments">,
  words: readonly string[],
): Promise<ExecutorProcess> {
  const started = await spawnOverPipes(how, (output) => [`filedescs=3,${output}`, ...words]);
  return { ...started, stream: new StreamChannel(started.readable, started.writable) };
}
