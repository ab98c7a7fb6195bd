import type { AddressRange } from "../bytes/address.ts";
import type { AllocActionPair } from "../epc/executor-process-control.ts";
import type { SlabMemory } from "../host/slab-memory.ts";

/** Where the controller writes what will run elsewhere: the byte for address a is at index a − base of both; base may be negative. */
export interface WorkingMemory {
  /** To write numbers. */
  readonly view: DataView;
  /** The same bytes. */
  readonly bytes: Uint8Array;
  /** Address in the executor of index 0. */
  readonly base: number;
  /** Has contents reach the executor before the allocation is initialized; absent where they are there as they are written. */
  publish?(address: number, size: number): void;
}

/**
 * A run of target memory with one protection. Addresses are page-aligned. The contents are in working memory; the rest
 * of their last page reads as zero. Zero-fill beyond that page is the loaded image's (the anchor's) affair, unless the
 * mapper was told to provide it (`ZeroFill`).
 */
export interface Segment {
  /** Where it starts in the executor. */
  readonly address: number;
  /** Bytes that have contents. */
  readonly contentSize: number;
  /** Bytes behind them that read as zero. */
  readonly zeroFillSize: number;
  /**
   * Bits: read 1, write 2, exec 4. Write and exec together are refused unless `WRITABLE_CODE` is set as well; `SHARED_DATA` is for
   * writable segments, whose zero-fill is then the mapper's affair in any case.
   */
  readonly protection: number;
}

/** Protection bit: the segment is writable and executable because inputs ask for it, not by mistake. */
export const WRITABLE_CODE = 16;

/**
 * Protection bit: what the program writes to the segment stays visible in the controller's memory, and the other way round, as long as the
 * segment is there. Only for memory that an executor shares (`SharedMemoryMapper`); a forked child of it gets a copy.
 */
export const SHARED_DATA = 32;

/**
 * Protection bit: the contents are those of the file that `useTemplate` has named, in place of working memory's. Only for segments that are
 * not writable.
 */
export const FROM_TEMPLATE = 64;

/** Who provides zero-fill beyond the contents' last page: the image loaded there, or the mapper. */
export type ZeroFill = "image" | "mapper";

/** One allocation to be made ready: `reservation` is the start address of the one that holds all `segments`. */
export interface InitializeInfo {
  /** Where the reservation starts. */
  readonly reservation: number;
  /** By ascending addresses. */
  readonly segments: readonly Segment[];
  /** Called in order when all segments are ready. */
  readonly actions: readonly AllocActionPair[];
}

/** How bytes get into an executor (LLVM's MemoryMapper). Errors: SlablinkError with code "memory" or "executor". */
export interface MemoryMapper {
  /** Bytes of a page of the executor's memory. */
  readonly pageSize: number;
  /** Whether reserve can be told an address. LLVM's executors choose for themselves. */
  readonly canPlace: boolean;
  /** Whether deinitialized memory can be initialized again. LLVM's memory manager leaves it read-only and crashes. */
  readonly canReuse: boolean;
  /**
   * Reserves inaccessible address space, at `address` exactly when it is given. Only the first `contentSize` bytes can be
   * prepared; the rest is for zero-fill.
   */
  reserve(size: number, address?: number, contentSize?: number): Promise<AddressRange>;
  /** Working memory for [address, address + size) of a reservation; reads as zero. */
  prepare(address: number, size: number): WorkingMemory;
  /** Where [address, address + size) of a reservation lies in this process, readable and writable, for as long as it is reserved; undefined where it does not. */
  localAddress?(address: number, size: number): number | undefined;
  /**
   * Puts contents that are there already into whole pages of a reservation, past working memory, which must not have been prepared for them; the
   * last page's rest reads as zero. Absent where contents travel with `initialize`.
   */
  fill?(address: number, bytes: Uint8Array): void;
  /**
   * Has segments that say so be mapped from `contents`, whose offset 0 belongs at `address`, until another file is named for their reservation:
   * executors with the same code then have the same pages. False where the executor cannot open it.
   */
  useTemplate?(address: number, contents: SlabMemory): Promise<boolean>;
  /** Whether an address has been reserved in the same process by a mapper of any session. Absent where only this one reserves there. */
  isReserved?(address: number): boolean;
  /** Gives up working memory that was prepared at `address` and never initialized. */
  discard(address: number): void;
  /** Gives segments their protections and runs the finalize actions in order; answers the key to deinitialize. */
  initialize(info: InitializeInfo): Promise<number>;
  /** Runs the dealloc actions, the last first, and gives the pages back. Keys in reverse order of initialize. */
  deinitialize(keys: readonly number[]): Promise<void>;
  /** Frees this side's memory when the executor is gone and cannot be asked any more. */
  close?(): void;
  /** Deinitializes what is left in the reservations and gives up their address space. */
  release(bases: readonly number[]): Promise<void>;
}
