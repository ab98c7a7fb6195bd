import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import { checkError } from "../epc/calls.ts";
import type { AllocAction } from "../epc/executor-process-control.ts";
import type { InProcessExecutorProcessControl } from "../epc/in-process.ts";
import { SlablinkError } from "../errors.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection, reserveAddressSpace, unmapMemory } from "../host/mapping.ts";
import { SlabMemory } from "../host/slab-memory.ts";
import {
  type InitializeInfo,
  type MemoryMapper,
  type Segment,
  SHARED_DATA,
  type WorkingMemory,
  WRITABLE_CODE,
  type ZeroFill,
} from "./memory-mapper.ts";
import { Reservations } from "./reservations.ts";
import { checkSegments, mappedSize } from "./segments.ts";
import { SlabWorkingMemory } from "./slab-working-memory.ts";

/** Segments up to this size get their pages at once, for the reason that executor/services/finalize.c gives. */
const POPULATED_SIZE = 4 * 2 ** 20;

interface Initialized {
  readonly segments: readonly Segment[];
  readonly dealloc: readonly AllocAction[];
}

interface Reservation {
  readonly start: number;
  readonly size: number;
  readonly working: SlabWorkingMemory;
  readonly initialized: Map<number, Initialized>;
}

/** What the mappers of all sessions have reserved in this process: start → end. */
const reservedHere = new Map<number, number>();

/**
 * Maps each slab twice into this process: read-write as working memory, and with the final protections at the target
 * address. Read-only segments share the memfd's pages; writable ones become private copies, so that a forked child does
 * not share them. No page is ever writable and executable but those of `WRITABLE_CODE`.
 */
export class InProcessMemoryMapper implements MemoryMapper {
  readonly pageSize = PAGE_SIZE;
  readonly canPlace = true;
  readonly canReuse = true;
  readonly #epc: InProcessExecutorProcessControl;
  readonly #zeroFill: ZeroFill;
  readonly #reservations = new Reservations<Reservation>();

  constructor(epc: InProcessExecutorProcessControl, zeroFill: ZeroFill = "image") {
    this.#epc = epc;
    this.#zeroFill = zeroFill;
  }

  async reserve(size: number, address?: number, contentSize = size): Promise<AddressRange> {
    size = alignUp(size, PAGE_SIZE);
    const range = reserveAddressSpace(size, address);
    if (!range) throw new SlablinkError("memory", `${hex(size)} bytes at ${hex(address ?? 0)} are not free`);
    try {
      const memory = new SlabMemory(contentSize);
      this.#epc.addSlab(range.start, memory);
      const working = new SlabWorkingMemory(memory, range.start);
      this.#reservations.add({ start: range.start, size, working, initialized: new Map() });
      reservedHere.set(range.start, range.end);
    } catch (error) {
      unmapMemory(range.start, size);
      throw error;
    }
    return range;
  }

  prepare(address: number, size: number): WorkingMemory {
    return this.#reservations.holding(address, size).working.prepare(address, size);
  }

  /** Code reads and writes it where it runs. */
  localAddress(address: number, size: number): number | undefined {
    return this.#reservations.find(address, size) === undefined ? undefined : address;
  }

  isReserved(address: number): boolean {
    for (const [start, end] of reservedHere) if (address >= start && address < end) return true;
    return false;
  }

  discard(address: number): void {
    this.#reservations.find(address, 1)?.working.settle(address);
  }

  async initialize(info: InitializeInfo): Promise<number> {
    const reservation = this.#reservations.at(info.reservation);
    const key = checkSegments(info.segments, reservation.start, reservation.size, PAGE_SIZE);
    if (reservation.initialized.has(key)) throw new SlablinkError("memory", `${hex(key)} is already initialized`);
    const mapped: Segment[] = [];
    try {
      for (const segment of info.segments) {
        mapped.push(segment);
        this.#map(reservation, segment);
      }
    } catch (error) {
      this.#deinitialize(reservation, { segments: mapped, dealloc: [] });
      throw error;
    }
    reservation.working.settle(key);
    const done: AllocAction[] = [];
    try {
      for (const { finalize, dealloc } of info.actions) {
        if (finalize) this.#run(finalize);
        if (dealloc) done.push(dealloc);
      }
    } catch (error) {
      this.#deinitialize(reservation, { segments: info.segments, dealloc: done });
      throw error;
    }
    reservation.initialized.set(key, { segments: info.segments, dealloc: done });
    return key;
  }

  async deinitialize(keys: readonly number[]): Promise<void> {
    for (const key of keys.toReversed()) {
      const reservation = this.#reservations.holding(key, 1);
      const initialized = reservation.initialized.get(key);
      if (!initialized) throw new SlablinkError("memory", `nothing is initialized at ${hex(key)}`);
      reservation.initialized.delete(key);
      this.#deinitialize(reservation, initialized);
    }
  }

  async release(bases: readonly number[]): Promise<void> {
    for (const base of bases) {
      const reservation = this.#reservations.at(base);
      await this.deinitialize([...reservation.initialized.keys()]);
      this.#reservations.remove(base);
      reservedHere.delete(base);
      this.#epc.removeSlab(base);
      unmapMemory(base, reservation.size);
      reservation.working.dispose();
    }
  }

  #map(reservation: Reservation, segment: Segment): void {
    const size = mappedSize(segment, this.#zeroFill);
    if (size === 0) return;
    const { address } = segment;
    // One process sees its private memory as it is.
    const protection = segment.protection & ~(WRITABLE_CODE | SHARED_DATA);
    const sharing = protection & Protection.write ? MapFlag.private : MapFlag.shared;
    reservation.working.publish(address, segment.contentSize);
    const populate = size <= POPULATED_SIZE ? MapFlag.populate : 0;
    const flags = sharing | populate | MapFlag.fixed;
    const { fd } = reservation.working.memory;
    mapMemory({ address, size, protection, flags, fd, offset: address - reservation.start });
  }

  #deinitialize(reservation: Reservation, { segments, dealloc }: Initialized): void {
    for (const action of dealloc.toReversed()) this.#run(action);
    const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve | MapFlag.fixed;
    for (const segment of segments) {
      const size = alignUp(mappedSize(segment, this.#zeroFill), PAGE_SIZE);
      if (size === 0) continue;
      mapMemory({ address: segment.address, size, protection: Protection.none, flags });
      reservation.working.discard(segment.address, size);
    }
  }

  #run(action: AllocAction): void {
    checkError(this.#epc.callWrapperSync(action.name, action.argument), action.name);
  }
}
