import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import { expectValue, writeActions } from "../epc/calls.ts";
import { Llvm, Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import type { SpsWriter } from "../epc/sps-writer.ts";
import { SlablinkError } from "../errors.ts";
import { takeWorkingMemory, type WorkBuffer } from "../host/work-buffer.ts";
import type { InitializeInfo, MemoryMapper, Segment, WorkingMemory, ZeroFill } from "./memory-mapper.ts";
import { callWithAddresses, instanceArgument, releaseRemoteSlab, reserveRemoteSlab } from "./remote-requests.ts";
import { Reservations } from "./reservations.ts";
import { checkSegments, mappedSize } from "./segments.ts";

interface Reservation {
  readonly start: number;
  readonly size: number;
}

/**
 * Sends contents in messages: for executors that share no memory with the controller. Working memory is a buffer of
 * this process, given up once it has been sent. Works with slablink's executor and with LLVM's memory manager service.
 */
export class RpcMemoryMapper implements MemoryMapper {
  readonly pageSize: number;
  readonly canPlace: boolean;
  readonly canReuse: boolean;
  readonly #epc: ExecutorProcessControl;
  readonly #zeroFill: ZeroFill;
  readonly #reservations = new Reservations<Reservation>();
  readonly #prepared = new Map<number, WorkBuffer>();

  constructor(epc: ExecutorProcessControl, zeroFill: ZeroFill = "image") {
    this.#epc = epc;
    this.pageSize = epc.pageSize;
    this.canPlace = epc.bootstrap.has(Slablink.slabReserve);
    this.canReuse = this.canPlace;
    // Nothing can be loaded into memory of LLVM's executors; it is zero from the start.
    this.#zeroFill = this.canPlace ? zeroFill : "mapper";
  }

  async reserve(size: number, address?: number, _contentSize?: number): Promise<AddressRange> {
    size = alignUp(size, this.pageSize);
    const start = this.canPlace
      ? (await reserveRemoteSlab(this.#epc, size, address, "")).start
      : expectValue(
          await this.#epc.callWrapper(
            Llvm.memoryReserve,
            instanceArgument(this.#epc, Llvm.memoryInstance).u64(size).bytes,
          ),
          "reserving memory",
          (reader) => reader.u64("address"),
        );
    this.#reservations.add({ start, size });
    return { start, end: start + size };
  }

  prepare(address: number, size: number): WorkingMemory {
    this.#reservations.holding(address, size);
    const buffer = takeWorkingMemory(size);
    this.#prepared.set(address, buffer);
    return { view: buffer.view, bytes: buffer.bytes, base: address - buffer.position };
  }

  discard(address: number): void {
    this.#prepared.get(address)?.release();
    this.#prepared.delete(address);
  }

  async initialize(info: InitializeInfo): Promise<number> {
    const { start, size } = this.#reservations.at(info.reservation);
    const lowest = checkSegments(info.segments, start, size, this.pageSize);
    const address = this.#preparedFor(lowest);
    const buffer = this.#prepared.get(address)!;
    const mapped = info.segments.filter((segment) => mappedSize(segment, this.#zeroFill) > 0);
    const total = info.segments.reduce((sum, segment) => sum + segment.contentSize, 0);
    const out = instanceArgument(this.#epc, Llvm.memoryInstance, total + 1024);
    const sent = mapped.length > 0 ? mapped : info.segments;
    out.sequence(sent, (segment) => this.#writeSegment(out, segment, address, buffer));
    writeActions(out, info.actions, this.#epc.bootstrap);
    this.discard(address);
    const result = await this.#epc.callWrapper(Llvm.memoryInitialize, out.bytes);
    return expectValue(result, "initializing memory", (reader) => reader.u64("key"));
  }

  async deinitialize(keys: readonly number[]): Promise<void> {
    await callWithAddresses(this.#epc, Llvm.memoryDeinitialize, Llvm.memoryInstance, keys);
  }

  async release(bases: readonly number[]): Promise<void> {
    for (const base of bases) {
      this.#reservations.remove(base);
      if (this.canPlace) await releaseRemoteSlab(this.#epc, base);
      else await callWithAddresses(this.#epc, Llvm.memoryRelease, Llvm.memoryInstance, [base]);
    }
  }

  #writeSegment(out: SpsWriter, segment: Segment, start: number, buffer: WorkBuffer): void {
    const { address, contentSize, protection } = segment;
    const offset = address - start;
    if (offset < 0 || offset + contentSize > buffer.size) {
      throw new SlablinkError("memory", `segment at ${hex(address)} is outside the memory prepared at ${hex(start)}`);
    }
    out.u8(protection).u64(address).u64(mappedSize(segment, this.#zeroFill));
    const from = buffer.position + offset;
    out.blob(buffer.bytes.subarray(from, from + contentSize));
  }

  /** Where the prepared memory that holds `address` begins. */
  #preparedFor(address: number): number {
    for (const [start, { size }] of this.#prepared) if (address >= start && address < start + size) return start;
    throw new SlablinkError("memory", `no memory was prepared at ${hex(address)}`);
  }
}
