import type { AddressRange } from "../bytes/address.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { ExecutorError, UsageError } from "../errors.ts";
import { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { kernelCode } from "../kernel/kernel.ts";
import type { JITLinkMemoryManager } from "../memory/jitlink-memory-manager.ts";
import { ExecutorMemory } from "../runtime-memory/executor-memory.ts";
import type { Heap } from "../runtime-memory/heap.ts";
import type { RemoteArray } from "../runtime-memory/remote-array.ts";
import type { SharedRange } from "../runtime-memory/shared-windows.ts";
import type { TypedArrayConstructor, TypedArrayOf } from "../runtime-memory/typed-array.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { JobCopies } from "./copies/job-copies.ts";
import { emptySlots } from "./filled-slots.ts";
import { type Interposition, linkInterposition } from "./interposition.ts";
import { JITDylib } from "./jit-dylib.ts";
import { JobsInFlight } from "./jobs-in-flight.ts";
import type { LazyReexports } from "./lazy-reexports.ts";
import type { ExecutorTarget, JobPlugins, MaterializationContext } from "./link-job.ts";
import type { LinkPlugin } from "./link-plugin.ts";
import type { LinkedJob } from "./linked-job.ts";
import { addressIn, foundNames, type LookupNow, type LookupOptions, weakNames } from "./lookup-names.ts";
import { materialize } from "./materialize.ts";
import { failForCircles } from "./other-names.ts";
import type { DataOutOfReachError } from "./plan-copies.ts";
import type { RedirectableSymbols, Targets } from "./redirectable-symbols.ts";
import type { Place, ReplaceableObjects, Replacement } from "./replace/replaceable-objects.ts";
import type { RemoveOptions, ResourceTracker, TrackerOwner } from "./resource-tracker.ts";
import { Turns } from "./turns.ts";

/** How a job is linked. */
export interface LinkOptions {
  /**
   * Libraries bind to what the job defines, as to an executable; their constructors run with the program's, so it must be run by
   * `interposition.start` if the job has that.
   */
  readonly isProgram?: boolean;
  /**
   * The job may define again what is linked in the JITDylib, and is bound to its own definitions; look-ups, and jobs that are linked
   * later, go on finding the ones before.
   */
  readonly redefines?: boolean;
}

/** What is special about a job. */
type JobOptions = LinkOptions & Partial<Pick<MaterializationContext, "objects" | "aliases" | "weakNames">>;

/** What a session is made of; `runtime` finds the libraries that programs use without naming them. */
export interface ExecutionSessionOptions extends ExecutorTarget {
  /** The executor sees the controller's working memory (shared or the same process). */
  readonly sharedMemory: boolean;
  /**
   * Variables of linked code stay shared with this process while it runs (docs/runtime-memory.md). Needs `sharedMemory` with an executor
   * of slablink's; in this process it is so anyway, and where memory is not shared it changes nothing.
   */
  readonly sharedData?: boolean;
  /** Finds the libraries that programs use without naming them. */
  readonly runtime?: RuntimeLibraries;
  /** Threads that may work on a job, this one included; by default as many as pay. */
  readonly threads?: number;
  /** The process ends with the session: giving back this side's memory is left to the kernel. */
  readonly endsProcess?: boolean;
  /**
   * Records link jobs, and in this process what is done for them. Requests and what an executor does are recorded by
   * `launchExecutor`, which is to be given the same.
   */
  readonly trace?: Tracer;
  /**
   * Gives another executor that has within reach what this one lacks: the first job, which has found that out, goes on with it.
   * undefined when there is none; the error is the job's then.
   */
  readonly restart?: (error: DataOutOfReachError) => Promise<ExecutorTarget> | undefined;
  /** @internal Jobs are copied from another session's executor where that is possible, or noted for others to copy. */
  readonly copies?: JobCopies;
}

/** Names of JITDylibs with slablink's own code in the executor begin so; plugins are not shown it. */
const OWN_DYLIBS = "slablink-";

/** One executor and what is linked into it (LLVM's ExecutionSession). */
export class ExecutionSession implements TrackerOwner {
  readonly #options: ExecutionSessionOptions;
  /** Kept for all jobs, since it has read the libraries that were asked about. */
  readonly #runtime: RuntimeLibraries;
  readonly #dylibs = new Map<string, JITDylib>();
  readonly #openedLibraries = new Map<string, number>();
  /** What is linked, and for which JITDylib. */
  readonly #jobs = new Map<LinkedJob, JITDylib>();
  /** Those whose tables are still where they were linked. */
  readonly #unsettled = new Set<LinkedJob>();
  readonly #turns = new Turns();
  readonly #plugins: LinkPlugin[] = [];
  readonly #replaceable = new WeakMap<JITDylib, ReplaceableObjects>();
  #interposition: Promise<Interposition> | undefined;
  #serial = 0;
  readonly #inFlight = new JobsInFlight();
  readonly #beforeEnd = new Set<() => Promise<boolean>>();
  #ended = false;
  #target: ExecutorTarget;
  #memory: ExecutorMemory | undefined;
  #heap: Promise<Heap> | undefined;

  constructor(options: ExecutionSessionOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? new RuntimeLibraries();
    this.#target = options;
    options.trace?.watch(options.epc);
    options.trace?.watch(kernelCode);
  }

  /** The process that runs the code. */
  get epc(): ExecutorProcessControl {
    return this.#target.epc;
  }

  /** What provides the memory of its jobs. */
  get memoryManager(): JITLinkMemoryManager {
    return this.#target.memoryManager;
  }

  /** The executor's memory by its addresses, while the session lasts. */
  get memory(): ExecutorMemory {
    this.#memory ??= new ExecutorMemory({ epc: this.epc, locate: (address) => this.#visibleAt(address) });
    return this.#memory;
  }

  /**
   * A typed array of `length` elements in the executor's own memory, all zero, at a multiple of 64, until it is freed or the session ends; code
   * there is given `memory.addressOf(array)`. Both sides read and write it without a request. Where memory is not shared it is a `RemoteArray` in
   * place of a typed array (`isRemoteArray`). Errors: RangeError for a length that no array has, code "memory" when there is no more.
   */
  async allocate<C extends TypedArrayConstructor>(type: C, length: number): Promise<TypedArrayOf<C>> {
    this.#checkOpen();
    this.#heap ??= this.#openHeap();
    return (await (await this.#heap).allocate(type, length)) as TypedArrayOf<C>;
  }

  /**
   * Gives back the memory of an array that `allocate` gave: neither it nor code in the executor may use it any more. Errors: UsageError for
   * any other array.
   */
  async free(array: ArrayBufferView | RemoteArray<TypedArrayConstructor>): Promise<void> {
    this.#checkOpen();
    this.#heap ??= this.#openHeap();
    await (await this.#heap).free(array);
  }

  /** @internal Nothing can be linked any more. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Whether contents written here are in place where the code runs. */
  get sharesMemory(): boolean {
    return this.#options.sharedMemory;
  }

  /**
   * Has `end` run before the executor is left. It answers whether no code runs any more; otherwise this process keeps what the code may use. The
   * answer takes it back.
   */
  beforeEnd(end: () => Promise<boolean>): () => void {
    this.#beforeEnd.add(end);
    return () => void this.#beforeEnd.delete(end);
  }

  /** @internal Code that calls linked code for JavaScript, where a backtrace ends. */
  readonly callCode: AddressRange[] = [];

  /** What is linked in the executor, in no particular order. */
  jobs(): Iterable<LinkedJob> {
    return this.#jobs.keys();
  }

  /** Errors: UsageError when the name is taken. */
  createJITDylib(name: string): JITDylib {
    if (this.#dylibs.has(name)) throw new UsageError(`there is a JITDylib called ${name} already`);
    const dylib = new JITDylib(name);
    dylib.owner = this;
    this.#dylibs.set(name, dylib);
    return dylib;
  }

  /** The JITDylib of that name, if there is one. */
  getJITDylib(name: string): JITDylib | undefined {
    return this.#dylibs.get(name);
  }

  /**
   * Addresses of `names` in `dylib`, or in the first of several that has each; links whatever they need that is not linked yet.
   * Look-ups in JITDylibs that have nothing to do with each other go on side by side. Errors: LinkError and its kin; nothing of a
   * failed job stays in the executor.
   */
  async lookup(
    dylib: JITDylib | readonly JITDylib[],
    names: readonly string[],
    options: LookupOptions = {},
  ): Promise<Map<string, number>> {
    const weak = weakNames(names, options.weak);
    if (dylib instanceof JITDylib) return this.inTurn(dylib, (lookup) => lookup(names, weak));
    // One turn for all of them: what one has is not known while others link in it.
    const order = [...dylib];
    return this.#exclusively(order, async () => {
      const { lookupInOrder } = await import("./lookup-in-order.ts");
      return lookupInOrder(order, names, weak, (each, wanted) => this.#lookupIn(each, wanted, new Set(wanted)));
    });
  }

  /** @internal Does the work when it is the JITDylib's turn; what is looked up by the function that it gets is part of that. */
  inTurn<T>(dylib: JITDylib, work: (lookup: LookupNow) => Promise<T>): Promise<T> {
    return this.#exclusively([dylib], () => work((names, weak = new Set()) => this.#lookupIn(dylib, names, weak)));
  }

  async #lookupIn(dylib: JITDylib, names: readonly string[], weak: ReadonlySet<string>): Promise<Map<string, number>> {
    const missing = names.filter((name) => dylib.find(name) === undefined);
    failForCircles(dylib, missing, weak);
    const isNeeded = missing.length > 0 || dylib.pending.length > 0;
    const jobs = isNeeded
      ? await this.#link(dylib, missing, new Set(), { weakNames: weak.size > 0 ? weak : undefined })
      : [];
    return foundNames(dylib, jobs, names, weak);
  }

  /**
   * As `lookup`, but gives the whole job; of several the one that defines one of the names. Errors: as `lookup`.
   */
  link(dylib: JITDylib, names: readonly string[], options: LinkOptions = {}): Promise<LinkedJob> {
    return this.#exclusively([dylib], async () => {
      const jobs = await this.#link(dylib, names, new Set(), options);
      const own = jobs.find((job) => names.some((name) => job.definition(name) !== undefined)) ?? jobs.at(-1);
      return own ?? this.#linkJob(dylib, names, new Set(), { ...options, objects: [] });
    });
  }

  /**
   * Has `plugin` see and change what is linked from now on, behind those that were added before it; but not what slablink links for
   * itself, in JITDylibs whose names begin with `slablink-`.
   */
  addPlugin(plugin: LinkPlugin): void {
    this.#plugins.push(plugin);
  }

  /** @internal For ResourceTracker. */
  removeTracker(tracker: ResourceTracker, options: RemoveOptions): Promise<void> {
    return this.#exclusively([tracker.dylib], async () => {
      const { removeTracker } = await import("./remove-tracker.ts");
      await removeTracker(tracker, options, this);
    });
  }

  /** @internal For ResourceTracker. */
  transferTracker(from: ResourceTracker, to: ResourceTracker): Promise<void> {
    const { dylib } = from;
    return this.#exclusively([dylib], async () => {
      const [before, after] = [from, to].map((tracker) => (tracker.isDefault ? undefined : tracker));
      const linked = dylib.linked.jobs() as Iterable<LinkedJob>;
      for (const objects of [dylib.pending, dylib.lazy, ...Array.from(linked, (job) => job.objects)]) {
        for (const object of objects) if (object.tracker === before) object.tracker = after;
      }
    });
  }

  /** Takes a job's code and data out of the executor; its symbols must not be used any more. */
  async remove(job: LinkedJob): Promise<void> {
    await this.removeAll([job]);
  }

  /** `remove` of several jobs at once. */
  async removeAll(jobs: readonly LinkedJob[]): Promise<void> {
    for (const job of jobs) {
      if (!this.#jobs.has(job)) throw new UsageError("this job is not part of the session");
    }
    for (const job of jobs) this.#forget(job);
    await emptySlots(this, jobs);
    const images = jobs.map(({ image }) => image);
    const unload = async (): Promise<void> => {
      await Promise.all(images.splice(0).map((image) => this.epc.unloadImage(image)));
    };
    // Nobody is to be given addresses that the loader has not left.
    const allocs = jobs.map(({ alloc }) => alloc);
    await this.memoryManager.deallocate(allocs, unload);
    await unload();
  }

  /** Takes a job out of what look-ups find. */
  #forget(job: LinkedJob): void {
    const dylib = this.#jobs.get(job)!;
    this.#jobs.delete(job);
    dylib.linked.delete(job);
    for (const [archive, tables] of dylib.wholeArchives) if (tables === job.tables) dylib.wholeArchives.delete(archive);
    this.#unsettled.delete(job);
    job.settle(false);
    if (job.visibleData !== undefined) this.#memory?.detach(job.visibleData);
  }

  /**
   * Takes everything that has been linked for a JITDylib out of the executor, the latest job first, with the stubs that were made for it, and
   * forgets the JITDylib: its name is free again. Waits for look-ups that concern it. Errors: UsageError when it is not one of the session's.
   */
  removeJITDylib(dylib: JITDylib): Promise<void> {
    if (this.#dylibs.get(dylib.name) !== dylib) {
      throw new UsageError(`there is no JITDylib called ${dylib.name} in the session`);
    }
    return this.#exclusively([dylib], async () => {
      if (this.#dylibs.get(dylib.name) !== dylib) return;
      this.#dylibs.delete(dylib.name);
      for (const end of [...dylib.atRemoval]) await end();
      for (const job of [...dylib.linked.jobs()].reverse()) await this.remove(job as LinkedJob);
    });
  }

  /**
   * Defines names in `dylib` as stubs that lead to functions, given by address or by the name of a symbol, which can be exchanged while
   * the program runs. What refers to the names binds to the stubs. Errors: UsageError when `dylib` defines one of the names.
   */
  async createRedirectableSymbols(dylib: JITDylib, targets: Targets): Promise<RedirectableSymbols> {
    return (await import("./redirectable-symbols.ts")).createRedirectableSymbols(this, dylib, targets);
  }

  /**
   * Defines functions in `dylib` that are linked when they are first called: what `source` has of these names, or of the names that the
   * given ones stand for there. A call that cannot be linked ends the executor, with the sentence on its standard error, as there is nothing
   * to return to. When the function is removed from `source`, the next call looks it up again. Errors: UsageError in this process, and when `dylib`
   * defines one of the names.
   */
  async lazyReexports(
    dylib: JITDylib,
    source: JITDylib,
    names: readonly string[] | Readonly<Record<string, string>>,
  ): Promise<LazyReexports> {
    return (await import("./lazy-reexports.ts")).lazyReexports(this, dylib, source, names);
  }

  /** The objects of a JITDylib that can be replaced while the program runs (docs/replacement.md); none at first. */
  async replaceableObjects(dylib: JITDylib, place?: Place): Promise<ReplaceableObjects> {
    const before = this.#replaceable.get(dylib);
    if (before !== undefined) return before;
    const { ReplaceableObjects } = await import("./replace/replaceable-objects.ts");
    const known = this.#replaceable.get(dylib) ?? new ReplaceableObjects(this, dylib, place);
    this.#replaceable.set(dylib, known);
    return known;
  }

  /** Adds an object that `replace` can exchange for a new version of it: that is another object of the same name. */
  async addReplaceableObject(dylib: JITDylib, object: ByteReader): Promise<void> {
    (await this.replaceableObjects(dylib)).add(object);
  }

  /**
   * Exchanges an object that was added by `addReplaceableObject` for a new version: calls from now on go to its functions, the variables
   * stay as they are. `beside`: objects that are linked with it. Errors: as `ReplaceableObjects.replace`.
   */
  async replace(dylib: JITDylib, object: ByteReader, beside?: readonly ByteReader[]): Promise<Replacement> {
    return (await this.replaceableObjects(dylib)).replace(object, beside);
  }

  /** Ends the executor (or, in-process, gives back what it can) and fails all that is pending. */
  async endSession(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const quiet = await Promise.all([...this.#beforeEnd].map((end) => end()));
    if (this.epc.kind === "remote" || quiet.every(Boolean)) await this.#leave();
  }

  #checkOpen(): void {
    if (this.#ended) throw new ExecutorError("the session has ended");
  }

  async #openHeap(): Promise<Heap> {
    const { memory, epc, memoryManager } = this;
    const [{ Heap }, { heapSourceOf }] = await Promise.all([
      import("../runtime-memory/heap.ts"),
      import("../runtime-memory/heap-source.ts"),
    ]);
    return new Heap(memory, heapSourceOf(epc, memoryManager.mapper, memory));
  }

  /** The data of a job that has an address, where this process sees it. */
  #visibleAt(address: number): SharedRange | undefined {
    for (const { visibleData } of this.#jobs.keys()) {
      if (visibleData === undefined || address < visibleData.start || address >= visibleData.end) continue;
      const { start, end } = visibleData;
      const localAddress = this.memoryManager.mapper?.localAddress?.(start, end - start);
      return localAddress === undefined ? undefined : { start, end, localAddress };
    }
    return undefined;
  }

  async #leave(): Promise<void> {
    const { epc, memoryManager } = this;
    await epc.disconnect();
    // What follows would take the memory of arrays away under them.
    if (epc.kind === "in-process") await (await this.#heap)?.close();
    this.#memory?.close();
    if (this.#options.endsProcess !== true) await memoryManager.close?.();
  }

  /** Another executor in place of this one, as long as nothing else has been linked into it or is about to be. */
  async #restart(error: DataOutOfReachError): Promise<ExecutorTarget | undefined> {
    if (this.#jobs.size > 0 || this.#inFlight.count > 1 || this.#memory !== undefined) return undefined;
    const starting = this.#options.restart?.(error);
    if (starting === undefined) return undefined;
    const [target] = await Promise.all([starting, this.#leave()]);
    this.#openedLibraries.clear();
    this.#target = target;
    return target;
  }

  /** Links what a look-up needs, as one job or, where parts of it are to be removed apart, as several; gives them in their order. */
  async #link(
    dylib: JITDylib,
    names: readonly string[],
    visiting: Set<JITDylib>,
    options: JobOptions,
  ): Promise<LinkedJob[]> {
    visiting.add(dylib);
    if (!dylib.isPlanned && dylib.linkOrder.every(({ isPlanned }) => !isPlanned)) {
      return [await this.#linkJob(dylib, names, visiting, options)];
    }
    const { preparePlan } = await import("./planned-link.ts");
    const plan = await preparePlan(dylib, names, {
      epc: this.epc,
      memoryManager: this.memoryManager,
      runtime: this.#runtime,
      linkInto: async (other, name) => {
        if (other.find(name) !== undefined || visiting.has(other)) return undefined;
        return addressIn(await this.#link(other, [name], visiting, {}), name);
      },
    });
    const jobs: LinkedJob[] = [];
    for (const { objects, names: wanted, aliases } of plan.jobs) {
      jobs.push(await this.#linkJob(dylib, [...wanted], visiting, { ...options, objects, aliases }));
    }
    return jobs;
  }

  async #linkJob(
    dylib: JITDylib,
    names: readonly string[],
    visiting: Set<JITDylib>,
    { isProgram, redefines, objects, aliases, weakNames }: JobOptions,
  ): Promise<LinkedJob> {
    for (const job of this.#unsettled) job.settle(true);
    this.#unsettled.clear();
    const context: MaterializationContext = {
      epc: this.epc,
      memoryManager: this.memoryManager,
      runtime: this.#runtime,
      // A pool for each job: what a job costs must not depend on the names of all the others, nor their names stay when they go.
      pool: new SymbolStringPool(),
      sharedMemory: this.#options.sharedMemory,
      sharedData: this.#options.sharedData,
      threads: this.#options.threads,
      // One that another job waits for has that one's place.
      inFlight: visiting.size > 1 ? undefined : this.#inFlight,
      openedLibraries: this.#openedLibraries,
      linkInto: async (other, wanted) => {
        if (!visiting.has(other)) await this.#link(other, wanted, visiting, {});
      },
      isWaiting: (other) => other !== dylib && visiting.has(other),
      objects,
      aliases,
      weakNames,
      redefines,
      plugins: await this.#startPlugins(dylib),
      interposition: isProgram === true ? () => this.#linkInterposition() : undefined,
      restart: (error) => this.#restart(error),
      serial: ++this.#serial,
      trace: this.#options.trace,
    };
    const { copies } = this.#options;
    const job =
      copies === undefined ? await materialize(dylib, names, context) : await copies.link(dylib, names, context);
    this.#jobs.set(job, dylib);
    this.#unsettled.add(job);
    dylib.linked.add(job);
    return job;
  }

  /** The plugins, at work on one job; undefined when there are none, which is the usual way. */
  async #startPlugins({ name }: JITDylib): Promise<JobPlugins | undefined> {
    if (this.#plugins.length === 0 || name.startsWith(OWN_DYLIBS)) return undefined;
    const { PluginPasses } = await import("./plugin-passes.ts");
    return new PluginPasses([...this.#plugins], name);
  }

  #linkInterposition(): Promise<Interposition> {
    this.#interposition ??= linkInterposition(this);
    return this.#interposition;
  }

  #exclusively<T>(dylibs: readonly JITDylib[], work: () => Promise<T>): Promise<T> {
    return this.#turns.take(dylibs, async () => {
      this.#checkOpen();
      return work();
    });
  }
}
