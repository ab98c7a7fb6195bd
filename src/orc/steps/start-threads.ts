import { availableParallelism } from "node:os";
import type { LinkJob } from "../link-job.ts";

/** So many bytes of inputs keep a second thread busy for longer than its start takes (docs/benchmarks.md). */
const INPUTS_THAT_PAY = 48 * 2 ** 20;

/** Starts the threads that share the work of a large job, or run the loops of several jobs; they take part as soon as they are there. */
export async function startThreads(job: LinkJob): Promise<void> {
  const { dylib, context } = job;
  const { inFlight } = context;
  job.inputBytes = inputBytes(job);
  inFlight?.add(job, job.inputBytes);
  const { threads = dylib.pending.length > 0 && job.inputBytes >= INPUTS_THAT_PAY ? undefined : 1 } = context;
  if (threads !== 1) {
    const kernelThreads = await import("../../kernel/threads.ts");
    job.threads = kernelThreads.startThreads(threads);
  }
  if (inFlight === undefined || inFlight.count < 2 || context.threads === 1) return;
  if (context.threads === undefined && inFlight.inputBytes < INPUTS_THAT_PAY) return;
  const kernelThreads = await import("../../kernel/threads.ts");
  inFlight.threads = kernelThreads.startThreads(context.threads ?? Math.min(availableParallelism(), inFlight.count));
}

/** Size of all objects and archives that the job may read. */
function inputBytes({ dylib }: LinkJob): number {
  let bytes = 0;
  for (const { reader } of dylib.pending) bytes += reader.length;
  for (const generator of dylib.generators) if (generator.kind === "archive") bytes += generator.archive.reader.length;
  return bytes;
}
