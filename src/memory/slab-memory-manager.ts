import { alignUp } from "../bytes/address.ts";
import type { AllocActionPair, ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import type {
  AllocationRequest,
  FinalizedAlloc,
  InFlightAlloc,
  JITLinkMemoryManager,
} from "./jitlink-memory-manager.ts";
import type { MemoryMapper, Segment, WorkingMemory } from "./memory-mapper.ts";
import type { Placement } from "./placement.ts";
import { reserveSlab } from "./reserve-slab.ts";
import { exhausted, Slab } from "./slab.ts";

/** How slabs are reserved; one of 256 MiB below 2 GiB by default. */
export interface SlabOptions {
  /** Bytes of each slab; 256 MiB by default, of address space: memory is used as it is written. */
  readonly slabSize?: number;
  /** Where slabs are reserved; below 2 GiB by default. */
  readonly placement?: Placement;
  /** A job that does not fit a slab gets a slab of its own size. */
  readonly growable?: boolean;
  /** How many slabs may be reserved; 1 by default. */
  readonly maxSlabs?: number;
  /** How allocations are answered; by tasks of their own by default. */
  readonly tasks?: Tasks;
}

/** How an allocation is answered: at once, in the asker's turn (`inline`), or by a task of its own (the default). */
export type Tasks = "inline" | "dispatched";

/** 256 MiB, of address space. */
export const DEFAULT_SLAB_SIZE = 256 * 2 ** 20;

/**
 * Reserves a slab in the executor when memory is first needed and divides it without further requests. Several link
 * jobs may be in flight; each answer is a task of its own, so that one job's linking does not hold up another's.
 */
export class SlabMemoryManager implements JITLinkMemoryManager {
  readonly pageSize: number;
  /** Bytes of each slab. */
  readonly slabSize: number;
  /** Where slabs are reserved. */
  readonly placement: Placement;
  readonly #mapper: MemoryMapper;
  readonly #epc: ExecutorProcessControl;
  readonly #maxSlabs: number;
  readonly #growable: boolean;
  readonly #tasks: Tasks;
  readonly #slabs: Slab[] = [];
  readonly #inFlight = new Set<number>();
  /** Reservations happen one after the other. */
  #reserving: Promise<void> = Promise.resolve();

  constructor(mapper: MemoryMapper, epc: ExecutorProcessControl, options: SlabOptions = {}) {
    this.#mapper = mapper;
    this.#epc = epc;
    this.pageSize = mapper.pageSize;
    this.slabSize = alignUp(options.slabSize ?? DEFAULT_SLAB_SIZE, this.pageSize);
    this.placement = options.placement ?? "low";
    this.#maxSlabs = options.maxSlabs ?? 1;
    this.#growable = options.growable === true;
    this.#tasks = options.tasks ?? "dispatched";
  }

  /** What brings bytes into the executor, for memory that is not a job's. */
  get mapper(): MemoryMapper {
    return this.#mapper;
  }

  /** The slabs reserved so far. */
  get slabs(): readonly Slab[] {
    return this.#slabs;
  }

  /** Asks for the first slab ahead of need, so that the answer is there when the first job wants memory. Errors come then. */
  reserveAhead(): void {
    if (this.#slabs.length > 0) return;
    const request = { size: this.slabSize, alignment: this.pageSize, name: "slab" };
    const grown = this.#reserving.then(() => this.#grow(0, this.slabSize, request));
    this.#reserving = grown.catch(() => {});
  }

  /** Errors: code "memory" when no slab holds the request or none can be reserved. */
  async allocate(request: AllocationRequest): Promise<InFlightAlloc> {
    const size = alignUp(request.size, this.pageSize);
    const alignment = Math.max(request.alignment, this.pageSize);
    await this.#reserving;
    let found = this.#take(size, alignment);
    while (!found) {
      const known = this.#slabs.length;
      // One reservation at a time: who waited looks again before asking for another slab.
      this.#reserving = this.#reserving.then(() => this.#grow(known, size, request));
      const grown = this.#reserving;
      this.#reserving = grown.catch(() => {});
      await grown;
      found = this.#take(size, alignment);
      if (!found && this.#slabs.length === known) throw exhausted(request.name, size, this.#slabs);
    }
    const { slab, address } = found;
    if (this.#tasks === "dispatched") await nextTask();
    return this.#start(slab, address, size, request.contentSize ?? size);
  }

  holds(address: number): boolean {
    const isOwn = this.#slabs.some(({ range }) => address >= range.start && address < range.end);
    return isOwn || this.#mapper.isReserved?.(address) === true;
  }

  /** Runs the dealloc actions, the last allocation's first, and makes the memory available again. */
  async deallocate(allocs: readonly FinalizedAlloc[], meanwhile?: () => Promise<void>): Promise<void> {
    const keys = allocs.flatMap(({ key }) => (key === undefined ? [] : [key]));
    if (keys.length > 0) await this.#mapper.deinitialize(keys);
    await meanwhile?.();
    if (!this.#mapper.canReuse) return;
    for (const { address } of allocs) this.#slabOf(address).free(address);
  }

  /** What the executor held went with it; this side's mappings, and in this process the slabs themselves, are given back. */
  async close(): Promise<void> {
    const bases = this.#slabs.splice(0).map(({ range }) => range.start);
    if (this.#mapper.close !== undefined) this.#mapper.close();
    else if (this.#epc.kind === "in-process" && bases.length > 0) await this.#mapper.release(bases);
  }

  /** Gives up all slabs. Nothing of them may be in use. */
  async dispose(): Promise<void> {
    const bases = this.#slabs.splice(0).map(({ range }) => range.start);
    if (bases.length > 0) await this.#mapper.release(bases);
  }

  #take(size: number, alignment: number): { slab: Slab; address: number } | undefined {
    for (const slab of this.#slabs) {
      const address = slab.tryAllocate(size, alignment);
      if (address !== undefined) return { slab, address };
    }
    return undefined;
  }

  async #grow(known: number, size: number, request: AllocationRequest): Promise<void> {
    if (this.#slabs.length > known) return;
    const { name, contentSize = size, backedSize = contentSize, nearSize = size } = request;
    if (this.#growable && (size > this.slabSize || known >= this.#maxSlabs)) {
      const own = Math.max(size, this.slabSize);
      // A program of this size needs the room of one that was asked for ahead and is still empty.
      if (this.#slabs.length === 1 && this.#slabs[0]!.freeSize === this.slabSize && this.#mapper.canReuse) {
        await this.#mapper.release([this.#slabs.pop()!.range.start]);
      }
      const extent = { contentSize: size > this.slabSize ? backedSize : own, nearSize: Math.min(nearSize, own) };
      this.#slabs.push(new Slab(await reserveSlab(this.#mapper, this.#epc, own, this.placement, extent)));
      return;
    }
    if (known >= this.#maxSlabs || size > this.slabSize) {
      if (known === 0) throw exhausted(name, size, [new Slab({ start: 0, end: this.slabSize })]);
      throw exhausted(name, size, this.#slabs);
    }
    this.#slabs.push(new Slab(await reserveSlab(this.#mapper, this.#epc, this.slabSize, this.placement)));
  }

  #start(slab: Slab, address: number, size: number, contentSize: number): InFlightAlloc {
    let memory: WorkingMemory;
    try {
      memory = this.#mapper.prepare(address, contentSize);
    } catch (error) {
      slab.free(address);
      throw error;
    }
    this.#inFlight.add(address);
    const settle = (): void => {
      if (!this.#inFlight.delete(address)) {
        throw new SlablinkError("memory", "an allocation can be finalized or abandoned once");
      }
    };
    return {
      address,
      size,
      memory,
      finalize: (segments, actions) => {
        settle();
        return this.#finalize(slab, { address, size }, segments, actions);
      },
      abandon: async () => {
        settle();
        this.#mapper.discard(address);
        slab.free(address);
      },
    };
  }

  async #finalize(
    slab: Slab,
    { address, size }: { address: number; size: number },
    segments: readonly Segment[],
    actions: readonly AllocActionPair[],
  ): Promise<FinalizedAlloc> {
    if (segments.length === 0 && actions.length === 0) {
      this.#mapper.discard(address);
      return { address, size, key: undefined };
    }
    try {
      const key = await this.#mapper.initialize({ reservation: slab.range.start, segments, actions });
      return { address, size, key };
    } catch (error) {
      this.#mapper.discard(address);
      if (this.#mapper.canReuse) slab.free(address);
      throw error;
    }
  }

  #slabOf(address: number): Slab {
    const slab = this.#slabs.find(({ range }) => address >= range.start && address < range.end);
    if (!slab) throw new SlablinkError("memory", `the allocation at ${address.toString(16)} lies in no slab`);
    return slab;
  }
}

/** The caller goes on in a task of its own. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
