import { launchExecutor } from "../epc/launch.ts";
import { SlabMemory } from "../host/slab-memory.ts";
import { RpcMemoryMapper } from "../memory/rpc-mapper.ts";
import { SharedMemoryMapper } from "../memory/shared-memory-mapper.ts";
import { DEFAULT_SLAB_SIZE, SlabMemoryManager } from "../memory/slab-memory-manager.ts";
import { executorPath, servicesPath } from "./executor-path.ts";
import type { ExecutorTarget } from "./link-job.ts";
import { LowMemoryError } from "./low-memory-error.ts";
import { DataOutOfReachError } from "./plan-copies.ts";
import type { MemoryUse, TargetRequest } from "./run-request.ts";
import { moreStaticTls, type StaticTls, StaticTlsError } from "./static-tls-error.ts";

/** How often an executor is started for one program; more than twice only for libraries whose blocks were not found beforehand. */
const MOST_STARTS = 4;
/** What an executor grants by itself (executor/main.c), in bytes. */
const EXECUTOR_TLS_ALIGNMENT = 256;
/** What any process has, in bytes. */
const LEAST_TLS_ALIGNMENT = 16;

/** What an executor must be started with. */
interface Start {
  /** For static thread-locals. */
  readonly room: StaticTls;
  /** What it must have within reach. */
  readonly lacking?: DataOutOfReachError;
  /** Its heap right behind the executable. */
  readonly lowHeap?: boolean;
}

/** The starts of executors for one program: what a link has found out to be missing, the next one is started with. */
export class ExecutorStarts {
  /** How contents get into an executor that was reached, not started. */
  memory: MemoryUse | undefined;
  readonly #request: TargetRequest;
  #next: Start;
  #count = 0;
  /** The executor is another's than slablink's. */
  #isForeign = false;

  constructor(request: TargetRequest) {
    this.#request = request;
    this.#next = { room: { size: 0, alignment: 1 }, lowHeap: request.fixedLayout };
  }

  /** For one more executor for the same program, with what has been found out by now. */
  another(): ExecutorStarts {
    const starts = new ExecutorStarts(this.#request);
    starts.#next = this.#next;
    return starts;
  }

  /** Whether what failed with `error` can only be had from the start of a process, and another start could give it. */
  needsStart(error: unknown): boolean {
    return startAfter(error, this.#next) !== undefined;
  }

  /** Whether another executor can help after `error`: the next one that is opened. Errors: LinkError where that one could not either. */
  async canHelp(error: unknown): Promise<boolean> {
    if (!this.#plan(error)) return false;
    if (this.#isForeign && error instanceof StaticTlsError) {
      const { roomInForeign } = await import("./thread-local-room.ts");
      this.#next = { ...this.#next, room: roomInForeign(error, this.#next.room) };
    }
    return true;
  }

  /** Another executor for a link that goes on after `error`; undefined where none would help. */
  openAfter(error: unknown): Promise<ExecutorTarget> | undefined {
    return this.#plan(error) ? this.open() : undefined;
  }

  /** Starts an executor, reaches one, or takes this process for one. */
  async open(): Promise<ExecutorTarget> {
    this.#count++;
    const request = this.#request;
    if (request.mode === "in-process") return this.#openHere();
    if (request.reach === undefined) return this.#start();
    const target = await (await import("./remote-target.ts")).openRemoteTarget(request, request.reach);
    this.memory = target.memory;
    return target;
  }

  /** In this process, this process would have been started again by now. */
  #plan(error: unknown): boolean {
    const { mode, reach } = this.#request;
    if (mode !== "executor" || this.#count >= MOST_STARTS || reach !== undefined) return false;
    // LLVM's executors are position-independent: their heap is far away anyhow.
    if (this.#isForeign && error instanceof LowMemoryError) return false;
    const next = startAfter(error, this.#next);
    if (next !== undefined) this.#next = next;
    return next !== undefined;
  }

  /** Who asks for a size gets that size; without a wish a large program gets a large slab. */
  get #slabs() {
    const { slabSize = DEFAULT_SLAB_SIZE, placement, tasks } = this.#request;
    return { slabSize, placement, tasks, growable: this.#request.slabSize === undefined };
  }

  async #openHere(): Promise<ExecutorTarget> {
    const { InProcessExecutorProcessControl } = await import("../epc/in-process.ts");
    const { InProcessMemoryMapper } = await import("../memory/in-process-mapper.ts");
    const epc = new InProcessExecutorProcessControl();
    const mapper = new InProcessMemoryMapper(epc);
    this.#request.trace?.watch(mapper);
    return { epc, memoryManager: new SlabMemoryManager(mapper, epc, this.#slabs) };
  }

  async #start(): Promise<ExecutorTarget> {
    const { memory, placement, tasks, trace, endsProcess } = this.#request;
    const sharedMemory = memory === "shared";
    const makeSlab = () => new SlabMemory(this.#slabs.slabSize);
    const slab = sharedMemory ? (trace?.measure("slab memory", makeSlab) ?? makeSlab()) : undefined;
    const path = this.#request.executorPath ?? executorPath();
    try {
      const services = this.#request.executorPath === undefined ? undefined : servicesPath();
      const { room, lacking, lowHeap } = this.#next;
      const granted = services === undefined ? EXECUTOR_TLS_ALIGNMENT : LEAST_TLS_ALIGNMENT;
      const tlsAlignment = room.alignment > granted ? room.alignment : 1;
      const needsPreload = tlsAlignment > 1 || lacking !== undefined;
      const preload = needsPreload
        ? (await import("./relaunch.ts")).preloadFor({ ...lacking, tlsAlignment })
        : undefined;
      const how = { path, services, slab, staticTls: room.size, preload, lowHeap, blocking: endsProcess, trace };
      const launch = () => launchExecutor(how);
      const epc = await (trace?.follow("start executor", launch, "executor start") ?? launch());
      this.#request.onExecutor?.((signal) => epc.kill(signal), "shared");
      this.#isForeign = epc.loadedLibraries !== undefined;
      if (memory === "rpc-per-object") {
        const { ObjectMemoryManager } = await import("../memory/object-memory-manager.ts");
        return { epc, memoryManager: new ObjectMemoryManager(epc, { placement, tasks }) };
      }
      const mapper = sharedMemory ? new SharedMemoryMapper(epc, { inherited: slab }) : new RpcMemoryMapper(epc);
      const memoryManager = new SlabMemoryManager(mapper, epc, this.#slabs);
      memoryManager.reserveAhead();
      return { epc, memoryManager };
    } catch (error) {
      slab?.dispose();
      throw error;
    }
  }
}

/** How to start once more after `error`; undefined where that would not help. */
function startAfter(error: unknown, start: Start): Start | undefined {
  if (error instanceof StaticTlsError) return { ...start, room: moreStaticTls(error, start.room) };
  if (error instanceof DataOutOfReachError && start.lacking === undefined) return { ...start, lacking: error };
  if (error instanceof LowMemoryError && start.lowHeap !== true) return { ...start, lowHeap: true };
  return undefined;
}
