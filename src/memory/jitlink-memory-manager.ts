import type { AllocActionPair } from "../epc/executor-process-control.ts";
import type { MemoryMapper, Segment, WorkingMemory } from "./memory-mapper.ts";

/** Memory for one link job: one contiguous range, which the job divides into segments. */
export interface AllocationRequest {
  /** Bytes, all segments with their padding. */
  readonly size: number;
  /** Bytes from the start that get contents; working memory covers these. The rest is zero-fill. All by default. */
  readonly contentSize?: number;
  /** Bytes from the start that the slab's file holds: the contents, and zero-fill that is shared. `contentSize` by default. */
  readonly backedSize?: number;
  /** Bytes from the start that code reaches by 32-bit addresses; the rest may lie anywhere behind. All by default. */
  readonly nearSize?: number;
  /** Offsets, ascending, at which allocations of their own begin, for a manager that is `perObject`. */
  readonly parts?: readonly number[];
  /** A power of two; at least the page size is used. */
  readonly alignment: number;
  /** Who asks, for errors. */
  readonly name: string;
}

/** Memory in use by the linker: it has addresses, and nothing of it is visible in the executor yet. */
export interface InFlightAlloc {
  /** Where it will be in the executor. */
  readonly address: number;
  /** Bytes, whole pages. */
  readonly size: number;
  /** Where its contents are written. */
  readonly memory: WorkingMemory;
  /** One request: protections for all segments, then the actions. The working memory is not to be written afterwards. */
  finalize(segments: readonly Segment[], actions: readonly AllocActionPair[]): Promise<FinalizedAlloc>;
  /** Gives the memory back instead. */
  abandon(): Promise<void>;
}

/** Memory in use by the program; hand it to deallocate once. */
export interface FinalizedAlloc {
  /** Where it starts in the executor. */
  readonly address: number;
  /** Bytes, as allocated. */
  readonly size: number;
  /** The mapper's key; undefined when the allocation has no segments. */
  readonly key: number | undefined;
}

/** Provides the memory of link jobs (LLVM's JITLinkMemoryManager). Answers are tasks, never on the caller's stack. */
export interface JITLinkMemoryManager {
  /** Bytes of a page of the executor's memory. */
  readonly pageSize: number;
  /** Wants to know the parts of a job, one for each object, each in pages of its own. */
  readonly perObject?: boolean;
  /** How bytes get into the executor; absent where that is the manager's own affair. */
  readonly mapper?: MemoryMapper;
  /** Whether an address is that of memory for jobs, also of other sessions in the same process: what is there is no definition of the process's. */
  holds?(address: number): boolean;
  /** Memory for one job. Errors: code "memory" when there is none. */
  allocate(request: AllocationRequest): Promise<InFlightAlloc>;
  /** Runs the dealloc actions, then `meanwhile`, which may still need the addresses, and gives the memory back. */
  deallocate(allocs: readonly FinalizedAlloc[], meanwhile?: () => Promise<void>): Promise<void>;
  /** Gives back this side's memory, when the executor has ended. */
  close?(): Promise<void>;
}
