import { availableParallelism } from "node:os";
import type { KernelThreads } from "../../kernel/threads.ts";
import type { LinkJob, MaterializationContext } from "../link-job.ts";
import { traceThreads } from "../trace-threads.ts";

/** So many bytes of inputs keep a second thread busy for longer than its start takes (docs/benchmarks.md). */
const INPUTS_THAT_PAY = 48 * 2 ** 20;

/** Starts the threads that share the work of a large job, or run the loops of several jobs; they take part as soon as they are there. */
export async function startThreads(job: LinkJob): Promise<void> {
  const { dylib, context } = job;
  const { inFlight, threads } = context;
  job.inputBytes = inputBytes(job);
  inFlight?.add(job, job.inputBytes);
  if (threads === 1) return;
  if (threads !== undefined || (dylib.pending.length > 0 && job.inputBytes >= INPUTS_THAT_PAY)) {
    job.threads = await start(context, threads);
  }
  if (inFlight === undefined || inFlight.count < 2) return;
  if (threads !== undefined || inFlight.inputBytes >= INPUTS_THAT_PAY) {
    inFlight.threads = await start(context, threads ?? Math.min(availableParallelism(), inFlight.count));
  }
}

async function start({ trace }: MaterializationContext, count: number | undefined): Promise<KernelThreads | undefined> {
  const kernelThreads = await import("../../kernel/threads.ts");
  const threads = kernelThreads.startThreads(count);
  if (threads !== undefined && trace !== undefined) traceThreads(threads, trace);
  return threads;
}

/** Size of all objects and archives that the job may read. */
function inputBytes({ dylib }: LinkJob): number {
  let bytes = 0;
  for (const { reader } of dylib.pending) bytes += reader.length;
  for (const generator of dylib.generators) if (generator.kind === "archive") bytes += generator.archive.reader.length;
  return bytes;
}
