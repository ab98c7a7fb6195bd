import { runLoops } from "../kernel/loop.ts";
import { disposeTables } from "./detach-tables.ts";
import { inOtherProcess } from "./external-names.ts";
import type { JITDylib } from "./jit-dylib.ts";
import { LinkJob, type MaterializationContext } from "./link-job.ts";
import { LinkTimes } from "./link-times.ts";
import { linkWarnings } from "./link-warnings.ts";
import { LinkedJob } from "./linked-job.ts";
import { DataOutOfReachError } from "./plan-copies.ts";
import { visibleData } from "./shared-data.ts";
import { bind } from "./steps/bind.ts";
import { collect } from "./steps/collect.ts";
import { abandon, type Finalized, finalize } from "./steps/finalize.ts";
import { findExternals, findForeignAddresses } from "./steps/find-externals.ts";
import { copy, fixUp } from "./steps/fix-up.ts";
import { loadAnchor } from "./steps/load-anchor.ts";
import { planLayout } from "./steps/plan-layout.ts";
import { startThreads } from "./steps/start-threads.ts";

/**
 * Links what defines `names`, with all it needs, into the executor: one link job. Each step is one line below; nothing of
 * the job is visible in the executor before the last. Errors: LinkError and its kin, after everything has been given back.
 */
export async function materialize(
  dylib: JITDylib,
  names: readonly string[],
  context: MaterializationContext,
): Promise<LinkedJob> {
  const trace = context.trace?.steps("link jobs", `link ${dylib.name}`);
  const times = new LinkTimes(trace);
  const job = new LinkJob(dylib, context);
  const { plugins } = context;
  const beside = context.inFlight?.runBeside;
  try {
    times.begin("start threads");
    await startThreads(job);
    times.begin("parse and resolve");
    await runLoops(collect(job, names), beside);
    plugins?.run("postPrune", job);
    await findOutside(job, times);
    times.begin("load anchor");
    const loading = loadAnchor(job);
    loading.catch(() => {}); // awaited below
    if (plugins !== undefined) {
      // One that fails must not take away the memory that the loader is about to use.
      await loading;
      plugins.run("postAllocation", job);
    }
    times.begin("copy");
    await runLoops(copy(job), beside);
    times.begin("wait for loader");
    await loading;
    times.begin("bind");
    await bind(job);
    times.begin("fix up");
    await runLoops(fixUp(job), beside);
    plugins?.run("postFixup", job);
    times.begin("finalize");
    const finalized = await finalize(job);
    times.end();
    const linked = linkedJob(job, finalized, times.phases);
    trace?.end({ ...linked.counts, sections: job.tables.sections.count, symbols: job.tables.symbols.count });
    return linked;
  } catch (error) {
    dylib.putBack(job.objects);
    trace?.fail(error);
    const explained = await withReport(error, job);
    if (job.alloc !== undefined) await abandon(job);
    disposeTables(job.tables);
    throw explained;
  } finally {
    context.inFlight?.delete(job);
  }
}

/** Initializers and resolvers of linked code run while it is linked: their crashes are told of as the program's are. */
async function withReport(error: unknown, job: LinkJob): Promise<unknown> {
  const { epc } = job.context;
  return epc.crashMessage === undefined
    ? error
    : (await import("./explain-crash.ts")).withCrash(error, epc, { jobs: () => [job] });
}

/**
 * What is outside, and the layout. An executor that has something out of reach is exchanged, if there is one to be had: what has been read
 * and resolved stays as it is.
 */
async function findOutside(job: LinkJob, times: LinkTimes): Promise<void> {
  times.begin("process symbols");
  await findExternals(job);
  times.begin("layout");
  try {
    await planLayout(job);
  } catch (error) {
    if (!(error instanceof DataOutOfReachError)) throw error;
    times.begin("restart executor");
    const target = await job.context.restart?.(error);
    if (target === undefined) throw error;
    job.context = { ...job.context, ...target };
    times.begin("process symbols");
    const external = await inOtherProcess(job.external, job.resolution, target.epc);
    if (external === undefined) throw error;
    job.external = external;
    await findForeignAddresses(job);
    times.begin("layout");
    await planLayout(job);
  }
}

function linkedJob(
  job: LinkJob,
  { alloc, mappings, protectionChanges }: Finalized,
  phases: LinkedJob["phases"],
): LinkedJob {
  const { dylib, tables, resolution, layout, image, externals, archives, relocations, bytesCopied } = job;
  for (const archive of job.wholeArchives) dylib.wholeArchives.set(archive, tables);
  const objects = job.objects.map(({ tracker }, i) => ({ tracker, graph: job.graphsOfObjects[i]! }));
  const known = {
    tables,
    resolution,
    layout,
    visibleData: visibleData(job),
    externals,
    libraries: job.external.libraries.map((library) => library.loadName),
    warnings: linkWarnings(job),
    hasThreads: job.threads !== undefined,
    interposition: job.interposition,
    phases,
    counts: { objects: tables.graphs.length, archives, relocations, bytesCopied, mappings, protectionChanges },
  };
  return new LinkedJob(known, { alloc, image, objects, uses: job.uses, isCopy: false }, "linked");
}
