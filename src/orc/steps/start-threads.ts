import type { KernelThreads } from "../../kernel/threads.ts";
import type { LinkJob, MaterializationContext } from "../link-job.ts";
import { traceThreads } from "../trace-threads.ts";

/** So many bytes of inputs keep a second thread busy for longer than its start takes (docs/benchmarks.md). */
const INPUTS_THAT_PAY = 48 * 2 ** 20;

/** Two processors are busy already: one links, the other makes pages for it (docs/benchmarks.md). */
const PROCESSORS_THAT_PAY = 4;
/** More threads than these wait for memory rather than for processors. */
const MOST_THREADS = 8;

/** Starts the threads that share the work of a large job, or run the loops of several jobs; they take part as soon as they are there. */
export async function startThreads(job: LinkJob): Promise<void> {
  const { dylib, context } = job;
  const { inFlight, threads } = context;
  job.inputBytes = inputBytes(job);
  inFlight?.add(job, job.inputBytes);
  const isLarge = dylib.pending.length > 0 && job.inputBytes >= INPUTS_THAT_PAY;
  job.threads = await start(context, threads ?? (isLarge ? await shareOf(PROCESSORS_THAT_PAY) : 1));
  if (inFlight === undefined || inFlight.count < 2 || threads === 1) return;
  const areLarge = inFlight.inputBytes >= INPUTS_THAT_PAY;
  inFlight.threads = await start(context, threads ?? (areLarge ? Math.min(await shareOf(2), inFlight.count) : 1));
}

/** As many threads as the machine runs side by side, if those are so many. */
async function shareOf(processors: number): Promise<number> {
  const { availableParallelism } = await import("node:os");
  const count = availableParallelism();
  return count < processors ? 1 : Math.min(count, MOST_THREADS);
}

/** `count`: with this thread. What is loaded for it takes 4 ms. */
async function start({ trace }: MaterializationContext, count: number): Promise<KernelThreads | undefined> {
  if (count <= 1) return undefined;
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
