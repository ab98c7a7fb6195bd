import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import { Llvm } from "../epc/dialect.ts";
import type { AllocActionPair, ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import { takeWorkingMemory, type WorkBuffer } from "../host/work-buffer.ts";
import type {
  AllocationRequest,
  FinalizedAlloc,
  InFlightAlloc,
  JITLinkMemoryManager,
} from "./jitlink-memory-manager.ts";
import type { Segment } from "./memory-mapper.ts";
import type { Placement } from "./placement.ts";
import { callWithAddresses, releaseRemoteSlab, reserveRemoteSlab } from "./remote-requests.ts";
import { reserveSlab } from "./reserve-slab.ts";
import { RpcMemoryMapper } from "./rpc-mapper.ts";
import { checkSegments } from "./segments.ts";
import { sendContents } from "./send-contents.ts";
import { nextTask, type Tasks } from "./slab-memory-manager.ts";

/** Where the memory of jobs goes, below 2 GiB by default, and how allocations are answered. */
export interface ObjectMemoryOptions {
  readonly placement?: Placement;
  readonly tasks?: Tasks;
}

/** The memory of one job in the executor: its parts, each reserved by a request of its own. */
interface Job {
  readonly parts: readonly AddressRange[];
  readonly keys: number[];
}

/**
 * Memory as LLVM's EPCGenericJITLinkMemoryManager provides it: for each object a request that reserves its memory, and one
 * that brings its contents and protections. It is what shared slabs are measured against, and of no other use. Two
 * things remain the job's, as elsewhere: all parts are neighbours, since one image spans them, so that a place for all
 * is looked for first (two requests); and what objects share (frames, constructors, stubs) is one more part. Only
 * slablink's executor can be told addresses.
 */
export class ObjectMemoryManager implements JITLinkMemoryManager {
  readonly pageSize: number;
  readonly perObject = true;
  readonly #epc: ExecutorProcessControl;
  readonly #placement: Placement;
  readonly #tasks: Tasks;
  readonly #jobs = new Map<number, Job>();
  /** Deallocated: the addresses are given up with the next request. */
  readonly #left: AddressRange[] = [];

  constructor(epc: ExecutorProcessControl, options: ObjectMemoryOptions = {}) {
    this.#epc = epc;
    this.pageSize = epc.pageSize;
    this.#placement = options.placement ?? "low";
    this.#tasks = options.tasks ?? "dispatched";
  }

  holds(address: number): boolean {
    for (const { parts } of this.#jobs.values()) {
      if (parts.some(({ start, end }) => address >= start && address < end)) return true;
    }
    return false;
  }

  /** Errors: code "memory" when there is no room, or when somebody else took it while the parts were reserved. */
  async allocate(request: AllocationRequest): Promise<InFlightAlloc> {
    await this.#release(this.#left.splice(0));
    const size = alignUp(request.size, this.pageSize);
    const address = await this.#findRoom(request, size);
    const offsets = [0, ...(request.parts ?? []), size];
    const ranges = offsets.slice(1).map((end, i) => ({ start: address + offsets[i]!, end: address + end }));
    const parts = ranges.filter(({ start, end }) => end > start);
    await this.#reserve(parts);
    if (this.#tasks === "dispatched") await nextTask();
    const buffer = takeWorkingMemory(request.contentSize ?? size);
    const memory = { view: buffer.view, bytes: buffer.bytes, base: address - buffer.position };
    this.#jobs.set(address, { parts, keys: [] });
    let settled = false;
    const settle = (): void => {
      if (settled) throw new SlablinkError("memory", "an allocation can be finalized or abandoned once");
      settled = true;
    };
    return {
      address,
      size,
      memory,
      finalize: (segments, actions) => {
        settle();
        return this.#finalize(address, size, buffer, segments, actions);
      },
      abandon: async () => {
        settle();
        buffer.release();
        this.#jobs.delete(address);
        await this.#release(parts);
      },
    };
  }

  /** The dealloc actions are the shared part's, which was finalized last and goes first. */
  async deallocate(allocs: readonly FinalizedAlloc[], meanwhile?: () => Promise<void>): Promise<void> {
    const left: AddressRange[] = [];
    try {
      for (const { address } of allocs.toReversed()) {
        const job = this.#jobs.get(address);
        if (job === undefined) throw new SlablinkError("memory", `nothing is allocated at ${hex(address)}`);
        this.#jobs.delete(address);
        if (job.keys.length > 0) {
          await callWithAddresses(this.#epc, Llvm.memoryDeinitialize, Llvm.memoryInstance, job.keys);
        }
        left.push(...job.parts);
      }
      await meanwhile?.();
    } finally {
      this.#left.push(...left);
    }
  }

  /** Where `size` bytes are free in the executor now. */
  async #findRoom({ alignment, contentSize, nearSize }: AllocationRequest, size: number): Promise<number> {
    const padding = alignment > this.pageSize ? alignment : 0;
    const room = size + padding;
    const extent = { contentSize: (contentSize ?? size) + padding, nearSize: (nearSize ?? size) + padding };
    const probe = new RpcMemoryMapper(this.#epc);
    const { start } = await reserveSlab(probe, this.#epc, room, this.#placement, extent);
    await probe.release([start]);
    return alignUp(start, Math.max(alignment, this.pageSize));
  }

  async #reserve(parts: readonly AddressRange[]): Promise<void> {
    const reserving = parts.map(({ start, end }) => reserveRemoteSlab(this.#epc, end - start, start, ""));
    const answers = await Promise.allSettled(reserving);
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed === undefined) return;
    await this.#release(parts.filter((_, i) => answers[i]!.status === "fulfilled"));
    throw failed.reason;
  }

  async #release(parts: readonly AddressRange[]): Promise<void> {
    await Promise.all(parts.map(({ start }) => releaseRemoteSlab(this.#epc, start)));
  }

  /** All objects at once, then what they share: its actions may call any of them. */
  async #finalize(
    address: number,
    size: number,
    buffer: WorkBuffer,
    segments: readonly Segment[],
    actions: readonly AllocActionPair[],
  ): Promise<FinalizedAlloc> {
    const { parts, keys } = this.#jobs.get(address)!;
    try {
      if (segments.length === 0 && actions.length === 0) return { address, size, key: undefined };
      checkSegments(segments, address, size, this.pageSize);
      const byPart = divide(segments, parts);
      const shared = byPart.pop()!;
      const contents = { start: address, size: buffer.size, position: buffer.position, bytes: buffer.bytes };
      const send = async (own: readonly Segment[], then: readonly AllocActionPair[]): Promise<void> => {
        const sized = own.map((segment) => ({ ...segment, size: segment.contentSize }));
        keys.push(await sendContents(this.#epc, sized, then, contents));
      };
      await Promise.all(byPart.filter((own) => own.length > 0).map((own) => send(own, [])));
      if (shared.length + actions.length > 0) await send(shared, actions);
      return { address, size, key: address };
    } catch (error) {
      this.#jobs.delete(address);
      this.#left.push(...parts);
      throw error;
    } finally {
      buffer.release();
    }
  }
}

/** Segments, sorted by address, by the part that holds them. */
function divide(segments: readonly Segment[], parts: readonly AddressRange[]): Segment[][] {
  const divided: Segment[][] = parts.map(() => []);
  let part = 0;
  for (const segment of segments) {
    while (segment.address >= parts[part]!.end) part++;
    divided[part]!.push(segment);
  }
  return divided;
}
