import { KernelThreads } from "../host/kernel-threads.ts";
import { linearMemory } from "../host/linear-memory.ts";
import { kernel, kernelCode } from "./kernel.ts";

let started: KernelThreads | undefined;
let startedCount = 0;

/**
 * The threads that share the work of a job with this one, `count` with this one. They are there for all further jobs of the process.
 * Undefined: this thread alone.
 */
export function startThreads(count: number): KernelThreads | undefined {
  if (count <= 1) return undefined;
  const fast = kernel();
  const linear = linearMemory();
  if (fast === undefined || linear === undefined) return undefined;
  if (started !== undefined && startedCount >= count - 1) return started;
  // Those that are there end when they have done what they were given; jobs that know them get nobody's help any more.
  void started?.close();
  startedCount = count - 1;
  started = new KernelThreads(startedCount, kernelCode.module!, fast, linear);
  return started;
}

/** Ends the threads, when nothing is being linked. */
export async function endThreads(): Promise<void> {
  const ending = started;
  started = undefined;
  startedCount = 0;
  await ending?.close();
}

export type { KernelThreads, ThreadCall } from "../host/kernel-threads.ts";
