import type { AddressRange } from "../bytes/address.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { runLoops } from "../kernel/loop.ts";
import type { Externals } from "../link/externals.ts";
import type { Layout } from "../link/layout.ts";
import type { FinalizedAlloc } from "../memory/jitlink-memory-manager.ts";
import { traitsOfRow } from "./definition-traits.ts";
import { detachTables, disposeTables } from "./detach-tables.ts";
import { inOtherProcess } from "./external-names.ts";
import type { Interposition } from "./interposition.ts";
import type { JITDylib, LinkedDefinitions } from "./jit-dylib.ts";
import { LinkJob, type MaterializationContext } from "./link-job.ts";
import { LinkTimes, type PhaseTime } from "./link-times.ts";
import { linkWarnings } from "./link-warnings.ts";
import { DataOutOfReachError } from "./plan-copies.ts";
import type { ResourceTracker } from "./resource-tracker.ts";
import { visibleData } from "./shared-data.ts";
import { bind } from "./steps/bind.ts";
import { collect } from "./steps/collect.ts";
import { abandon, type Finalized, finalize } from "./steps/finalize.ts";
import { findExternals, findForeignAddresses } from "./steps/find-externals.ts";
import { copy, fixUp } from "./steps/fix-up.ts";
import { loadAnchor } from "./steps/load-anchor.ts";
import { planLayout } from "./steps/plan-layout.ts";
import { startThreads } from "./steps/start-threads.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** An object that was added to the JITDylib and is part of a job. */
export interface LinkedObject {
  /** undefined: the default one. */
  tracker: ResourceTracker | undefined;
  /** What was read of it. */
  readonly graph: LinkGraph;
}

/** A link job that is in the executor, ready to run. */
export interface LinkedJob extends LinkedDefinitions {
  /** What was added to the JITDylib; all else came from archives, or from plugins. */
  readonly objects: LinkedObject[];
  /** Jobs that define what this one refers to, and the names. */
  readonly uses: Map<LinkedDefinitions, Set<string>>;
  /** Sections and symbols of all its objects, by rows. */
  readonly tables: GraphTables;
  /** @internal */
  readonly resolution: SymbolResolution;
  /** @internal */
  readonly layout: Layout;
  /** Its memory. */
  readonly alloc: FinalizedAlloc;
  /** It was not linked, but copied from the executor of another session. */
  readonly isCopy: boolean;
  /** Handle of the image that gives it to the dynamic loader. */
  readonly image: number;
  /** Whole pages of data and zero-fill that this process sees as the program does; undefined where it does not. */
  readonly visibleData: AddressRange | undefined;
  /** @internal */
  readonly externals: Externals;
  /** Shared libraries that it uses, as the loader was asked for them. */
  readonly libraries: readonly string[];
  /** Threads have been started to share the work. */
  readonly hasThreads: boolean;
  /** What the inputs get although it weakens the process, a sentence each. */
  readonly warnings: readonly string[];
  /** @internal Has to run before the program, when libraries refer to what it defines. */
  readonly interposition: Interposition | undefined;
  /** Wall time of the steps, in their order. */
  readonly phases: readonly Readonly<PhaseTime>[];
  /** How much was linked. */
  readonly counts: {
    /** Members of archives included. */
    objects: number;
    /** Archives that were read. */
    archives: number;
    /** Relocation entries that were applied. */
    relocations: number;
    /** Bytes of contents. */
    bytesCopied: number;
    /** Mappings in the executor. */
    mappings: number;
    /** Times that the executor changed the protection of one. */
    protectionChanges: number;
  };
  /** Address of a symbol that the job defines or refers to. */
  address(name: string): number | undefined;
  /**
   * @internal Gives back the memory that the link worked in: what the job keeps is moved out of it first if it stays linked. The
   * session calls it before the next link, so that a job that is removed soon is never moved.
   */
  settle(stays: boolean): void;
  /**
   * @internal The same job in another executor, at the same addresses: as it was linked, once it has been settled to stay, whatever has become
   * of it since.
   */
  copy(alloc: FinalizedAlloc, image: number): LinkedJob;
}

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
  return placedJob(known, { alloc, image, objects, uses: job.uses, isCopy: false }, "linked");
}

/** What a job is whichever executor it is in, and what belongs to one of them. */
type KnownOfJob = Omit<LinkedJob, keyof PlaceOfJob | keyof LinkedDefinitions | "address" | "settle" | "copy">;
type PlaceOfJob = Pick<LinkedJob, "alloc" | "image" | "objects" | "uses" | "isCopy">;

function placedJob(known: KnownOfJob, place: PlaceOfJob, at: "linked" | "settled"): LinkedJob {
  const { tables, resolution, externals } = known;
  let state: "linked" | "settled" | "removed" = at;
  const rowOf = (name: string): number =>
    state === "removed" ? -1 : (resolution.definition[tables.pool.internString(name)] ?? 0) - 1;
  const definition = (name: string): number | undefined => {
    const row = rowOf(name);
    return row >= 0 ? tables.symbols.value[row] : undefined;
  };
  return {
    ...known,
    ...place,
    traits: (name) => {
      const row = rowOf(name);
      return row >= 0 ? traitsOfRow(resolution, row) : undefined;
    },
    definition,
    *names() {
      if (state === "removed") return;
      const { symbols, pool } = tables;
      for (let row = 0; row < symbols.count; row++) {
        const id = symbols.id[row]!;
        if (id >= 0 && resolution.definition[id] === row + 1) yield pool.name(id);
      }
    },
    address: (name) => {
      if (state === "removed") return undefined;
      const address = definition(name) ?? externals.address[tables.pool.internString(name)];
      return address === undefined || Number.isNaN(address) ? undefined : address;
    },
    settle: (stays) => {
      if (state === "linked" && stays) detachTables(tables, resolution, externals);
      else if (state === "linked") disposeTables(tables);
      if (state === "linked" || !stays) state = stays ? "settled" : "removed";
    },
    copy: (alloc, image) => {
      const objects = place.objects.map(({ graph }) => ({ tracker: undefined, graph }));
      return placedJob(known, { alloc, image, objects, uses: new Map(), isCopy: true }, "settled");
    },
  };
}
