import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import type { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { KernelThreads } from "../kernel/threads.ts";
import type { AnchorPlan, AnchorSizes } from "../link/anchor.ts";
import type { Externals } from "../link/externals.ts";
import type { Layout } from "../link/layout.ts";
import type { LinkageTables } from "../link/linkage-tables.ts";
import type { SetBound } from "../link/linker-defined.ts";
import type { InFlightAlloc, JITLinkMemoryManager } from "../memory/jitlink-memory-manager.ts";
import type { Tracer } from "../trace/tracer.ts";
import { CLibraries } from "./c-libraries.ts";
import type { StaticArchiveGenerator } from "./definition-generator.ts";
import type { ExportsOfJob } from "./exports-of-job.ts";
import type { ExternalNames } from "./external-names.ts";
import type { Interposition } from "./interposition.ts";
import type { JITDylib, LinkedDefinitions, PendingObject } from "./jit-dylib.ts";
import type { JobsInFlight } from "./jobs-in-flight.ts";
import type { DataOutOfReachError } from "./plan-copies.ts";
import { SymbolResolution } from "./symbol-resolution.ts";

/** What a link job works with. */
export interface MaterializationContext {
  readonly epc: ExecutorProcessControl;
  readonly memoryManager: JITLinkMemoryManager;
  readonly runtime: RuntimeLibraries;
  readonly pool: SymbolStringPool;
  /** Contents lie in memory that the executor shares, so an anchor need not travel. */
  readonly sharedMemory: boolean;
  /** What the job's data and zero-fill become is visible in this process. */
  readonly sharedData?: boolean;
  /** Libraries that the session has opened already, by load name. */
  readonly openedLibraries: Map<string, number>;
  /** Links `names` in another JITDylib, and whatever has been added to that. */
  linkInto(dylib: JITDylib, names: readonly string[]): Promise<void>;
  /** JITDylibs that wait for this job: what they define has no address yet. */
  isWaiting?(dylib: JITDylib): boolean;
  /** For a whole program: the functions that bind libraries to it, linked when first asked for. */
  interposition?(): Promise<Interposition>;
  /** Another executor that has within reach what this one lacks; undefined when there is none to be had. */
  restart?(error: DataOutOfReachError): Promise<ExecutorTarget | undefined>;
  /** Threads that may work on a job, this one included; by default as many as pay. */
  readonly threads?: number;
  /** The jobs that go on side by side with this one; without it, or for a job that another one waits for, there are none. */
  readonly inFlight?: JobsInFlight | undefined;
  /** Records the job and its steps. */
  readonly trace?: Tracer;
  /** What is to be linked of the objects that the JITDylib holds; all of them unless somebody has planned it. */
  readonly objects?: readonly PendingObject[];
  /** Other names that the job binds: those of the JITDylib, unless somebody has found out which are reached. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Of the names looked up by hand, those that may be missing. */
  readonly weakNames?: ReadonlySet<string> | undefined;
  /** The job may define what earlier ones of the JITDylib define, and is bound to its own. */
  readonly redefines?: boolean | undefined;
  /** What sees and changes the job's objects. */
  readonly plugins?: JobPlugins | undefined;
  /** Number of the job, for names. */
  readonly serial: number;
}

/** The plugins of a session, at work on one job (orc/plugin-passes.ts). */
export interface JobPlugins {
  /** The object as the plugins want it, before anything has read it. */
  rewrite(reader: ByteReader): ByteReader;
  /** Objects that plugins have added since it was asked last. */
  takeAdded(): readonly ByteReader[];
  /** The job has come so far. */
  run(pass: "postPrune" | "postAllocation" | "preFixup" | "postFixup", job: LinkJob): void;
}

/** Where a session links to: an executor and its memory. */
export interface ExecutorTarget {
  /** The process that runs the code. */
  readonly epc: ExecutorProcessControl;
  /** What provides the memory of its jobs. */
  readonly memoryManager: JITLinkMemoryManager;
}

/** An indirect function of the job: the slot that code calls through, and the resolver whose result belongs there. */
export interface ResolvedSlot {
  readonly slot: number;
  readonly resolver: number;
}

/**
 * A link job on its way: what the steps (src/orc/steps) have found out so far. Each field is written by one step, named in the
 * order in which they run, and read by later ones.
 */
export class LinkJob {
  readonly dylib: JITDylib;
  /** Another one when the executor was exchanged, before planLayout. */
  context: MaterializationContext;
  readonly tables: GraphTables;
  readonly resolution: SymbolResolution;

  // startThreads
  /** Size of all objects and archives that the job may read. */
  inputBytes = 0;
  /** Threads that share the work with this one. */
  threads: KernelThreads | undefined;

  // collect
  /** Objects that were added to the JITDylib since its last job. */
  objects: readonly PendingObject[] = [];
  /** Their graphs, in the same order. */
  readonly graphsOfObjects: LinkGraph[] = [];
  archives = 0;
  /** Archives that are linked as a whole, by this job. */
  readonly wholeArchives: StaticArchiveGenerator[] = [];
  /** C libraries' archives of which not everything is linked, or nothing. */
  readonly cLibraries = new CLibraries();
  /** Names that were looked up by hand, as an entry point is. */
  lookedUp: readonly string[] = [];
  /** Name → the name it stands for. */
  readonly aliases = new Map<number, number>();

  // findExternals
  readonly linkerDefined: number[] = [];
  readonly setBounds = new Map<number, SetBound>();
  external!: ExternalNames;
  /** Jobs that define what this one refers to, and the names. */
  readonly uses = new Map<LinkedDefinitions, Set<string>>();
  /** Set when libraries refer to names that the job defines. */
  interposition: Interposition | undefined;
  /** Known early in this process and in executors of others; 0 for those of libraries that come with the anchor. */
  libraryAddresses: Float64Array | undefined;

  // exportsOf, at the latest by planLayout
  exports: ExportsOfJob | undefined;

  // planLayout
  plan!: AnchorPlan;
  sizes!: AnchorSizes;
  layout!: Layout;
  alloc!: InFlightAlloc;

  // loadAnchor
  linkage!: LinkageTables;
  readonly resolved: ResolvedSlot[] = [];
  /** Stub of each indirect function → its slot. */
  readonly indirectSlots = new Map<number, number>();
  image = 0;
  /** What the loader has filled in, by `AnchorWord`. */
  loaderWords: Float64Array | undefined;

  // bind
  externals!: Externals;

  // copy, fixUp
  bytesCopied = 0;
  relocations = 0;
  /** Words of data that get the address of an indirect function: place → slot. */
  resolvedWords: ReadonlyMap<number, number> = new Map();

  constructor(dylib: JITDylib, context: MaterializationContext) {
    this.dylib = dylib;
    this.context = context;
    this.tables = new GraphTables(context.pool);
    this.resolution = new SymbolResolution(this.tables);
  }

  /** Address of the image of the thread-local block, in the anchor. */
  get tlsImage(): number {
    return this.layout.header.address + this.sizes.tlsImage;
  }
}
