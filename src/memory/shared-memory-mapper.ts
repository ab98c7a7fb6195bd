import { constants, unlinkSync } from "node:fs";
import { type AddressRange, alignUp } from "../bytes/address.ts";
import { expectValue, writeActions } from "../epc/calls.ts";
import { Llvm, Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { INHERITED_SLAB_FD } from "../epc/launch.ts";
import { SlablinkError } from "../errors.ts";
import { openNative } from "../host/native-descriptor.ts";
import { SlabMemory } from "../host/slab-memory.ts";
import { fileError } from "../host/system-error.ts";
import {
  FROM_TEMPLATE,
  type InitializeInfo,
  type MemoryMapper,
  type Segment,
  SHARED_DATA,
  type WorkingMemory,
  type ZeroFill,
} from "./memory-mapper.ts";
import {
  callWithAddresses,
  instanceArgument,
  releaseRemoteSlab,
  reserveRemoteSlab,
  useRemoteTemplate,
} from "./remote-requests.ts";
import { Reservations } from "./reservations.ts";
import { checkSegments, mappedSize } from "./segments.ts";
import { SlabWorkingMemory } from "./slab-working-memory.ts";

interface Reservation {
  readonly start: number;
  readonly size: number;
  readonly working: SlabWorkingMemory;
  /** What was initialized, by key: its pages go back to the kernel afterwards. */
  readonly initialized: Map<number, AddressRange[]>;
}

/** What a mapper may be told beforehand; zero-fill is the image's affair by default. */
export interface SharedMemoryMapperOptions {
  /** The slab that the executor was launched with (its descriptor 4); used for the first reservation of its size. */
  readonly inherited?: SlabMemory;
  /** Who provides zero-fill; the image by default. */
  readonly zeroFill?: ZeroFill;
  /** The executor may be on another machine or in other namespaces: it is to make sure that it has the very same memory. */
  readonly marked?: boolean;
}

/**
 * Shares each slab's memory with an executor: contents written here are in place there, and initialize is one small
 * request. slablink's executor is given a memfd; LLVM's creates POSIX shared memory, whose name is removed at once.
 */
export class SharedMemoryMapper implements MemoryMapper {
  readonly pageSize: number;
  readonly canPlace: boolean;
  readonly canReuse = true;
  readonly #epc: ExecutorProcessControl;
  readonly #zeroFill: ZeroFill;
  readonly #reservations = new Reservations<Reservation>();
  readonly #marked: boolean;
  #inherited: SlabMemory | undefined;

  constructor(epc: ExecutorProcessControl, options: SharedMemoryMapperOptions = {}) {
    this.#epc = epc;
    this.pageSize = epc.pageSize;
    this.canPlace = epc.bootstrap.has(Slablink.slabReserve);
    this.#inherited = options.inherited;
    this.#zeroFill = options.zeroFill ?? "image";
    this.#marked = options.marked === true;
  }

  async reserve(size: number, address?: number, contentSize = size): Promise<AddressRange> {
    size = alignUp(size, this.pageSize);
    const { range, memory } = this.canPlace
      ? await this.#reserveMemfd(size, address, contentSize)
      : await this.#reserveShm(size);
    const working = new SlabWorkingMemory(memory, range.start);
    this.#reservations.add({ start: range.start, size, working, initialized: new Map() });
    return range;
  }

  prepare(address: number, size: number): WorkingMemory {
    return this.#reservations.holding(address, size).working.prepare(address, size);
  }

  localAddress(address: number, size: number): number | undefined {
    const found = this.#reservations.find(address, size);
    if (found === undefined) return undefined;
    const { memory } = found.working;
    const offset = address - found.start;
    return offset + size <= memory.size ? memory.address + offset : undefined;
  }

  fill(address: number, bytes: Uint8Array): void {
    this.#reservations.holding(address, bytes.length).working.fill(address, bytes);
  }

  async useTemplate(address: number, contents: SlabMemory): Promise<boolean> {
    const { start } = this.#reservations.holding(address, contents.size);
    // An executor in other namespaces could find another file there.
    if (this.#marked || !this.#epc.bootstrap.has(Slablink.slabTemplate)) return false;
    return useRemoteTemplate(this.#epc, start, address, `/proc/${process.pid}/fd/${contents.fd}`);
  }

  discard(address: number): void {
    this.#reservations.find(address, 1)?.working.settle(address);
  }

  async initialize(info: InitializeInfo): Promise<number> {
    const { start, size, initialized, working } = this.#reservations.at(info.reservation);
    const lowest = checkSegments(info.segments, start, size, this.pageSize);
    for (const segment of info.segments) {
      if ((segment.protection & FROM_TEMPLATE) === 0) working.publish(segment.address, segment.contentSize);
      if ((segment.protection & SHARED_DATA) !== 0) this.#clearZeroFill(working, segment);
    }
    working.settle(lowest);
    const ranges: AddressRange[] = [];
    const out = instanceArgument(this.#epc, Llvm.sharedInstance).u64(start);
    const mapped = info.segments.filter((segment) => mappedSize(segment, this.#zeroFill) > 0);
    out.sequence(mapped.length > 0 ? mapped : info.segments, (segment) => {
      const bytes = mappedSize(segment, this.#zeroFill);
      out.u8(segment.protection).u64(segment.address).u64(bytes);
      ranges.push({ start: segment.address, end: segment.address + alignUp(bytes, this.pageSize) });
    });
    writeActions(out, info.actions, this.#epc.bootstrap);
    const result = await this.#epc.callWrapper(Llvm.sharedInitialize, out.bytes);
    const key = expectValue(result, "initializing memory", (reader) => reader.u64("key"));
    initialized.set(key, ranges);
    return key;
  }

  async deinitialize(keys: readonly number[]): Promise<void> {
    await callWithAddresses(this.#epc, Llvm.sharedDeinitialize, Llvm.sharedInstance, keys);
    for (const key of keys) {
      const { initialized, working } = this.#reservations.holding(key, 1);
      for (const { start, end } of initialized.get(key) ?? []) working.discard(start, end - start);
      initialized.delete(key);
    }
  }

  async release(bases: readonly number[]): Promise<void> {
    for (const base of bases) {
      const { working, initialized } = this.#reservations.remove(base);
      try {
        if (initialized.size > 0) {
          const keys = [...initialized.keys()];
          await callWithAddresses(this.#epc, Llvm.sharedDeinitialize, Llvm.sharedInstance, keys);
        }
        if (this.canPlace) await releaseRemoteSlab(this.#epc, base);
        else await callWithAddresses(this.#epc, Llvm.sharedRelease, Llvm.sharedInstance, [base]);
      } finally {
        working.dispose();
      }
    }
  }

  /** Frees this side's memory when the executor is gone and cannot be asked any more. */
  close(): void {
    this.dispose();
  }

  /** Gives back this side's memory. */
  dispose(): void {
    for (const { working } of this.#reservations.clear()) working.dispose();
    this.#inherited?.dispose();
  }

  /** The pages behind the contents' last one; what was there before has been another job's. */
  #clearZeroFill(working: SlabWorkingMemory, { address, contentSize, zeroFillSize }: Segment): void {
    if (!this.canPlace) throw new SlablinkError("memory", "only slablink's executor maps data that stays shared");
    const start = alignUp(address + contentSize, this.pageSize);
    const end = alignUp(address + contentSize + zeroFillSize, this.pageSize);
    working.clear(start, end - start);
  }

  async #reserveMemfd(
    size: number,
    address: number | undefined,
    contentSize: number,
  ): Promise<{ range: AddressRange; memory: SlabMemory }> {
    const inherited = this.#inherited?.size === size ? this.#inherited : undefined;
    const memory = inherited ?? new SlabMemory(contentSize);
    const path = `/proc/${process.pid}/fd/${memory.fd}`;
    const backing = (name: string): string => (inherited ? `fd:${INHERITED_SLAB_FD}` : name);
    const reserve = (name: string) => reserveRemoteSlab(this.#epc, size, address, backing(name));
    try {
      // Loaded only here: the random numbers of a mark take 13 ms of modules.
      const range = this.#marked
        ? await (await import("./shared-memory-probe.ts")).withMark(memory, path, reserve)
        : await reserve(path);
      if (inherited) this.#inherited = undefined;
      return { range, memory };
    } catch (error) {
      if (!inherited) memory.dispose();
      throw error;
    }
  }

  async #reserveShm(size: number): Promise<{ range: AddressRange; memory: SlabMemory }> {
    const argument = instanceArgument(this.#epc, Llvm.sharedInstance).u64(size).bytes;
    const result = await this.#epc.callWrapper(Llvm.sharedReserve, argument);
    const { start, name } = expectValue(result, "reserving shared memory", (reader) => {
      return { start: reader.u64("address"), name: reader.string("name") };
    });
    // shm_open's names are files of this directory; the executor has mapped its side already.
    const path = `/dev/shm/${name.replace(/^\/+/, "").replaceAll("/", "_")}`;
    try {
      const fd = openNative(path, constants.O_RDWR);
      unlinkSync(path);
      return { range: { start, end: start + size }, memory: new SlabMemory(size, fd) };
    } catch (cause) {
      if (cause instanceof SlablinkError) throw cause;
      throw fileError(path, cause);
    }
  }
}
