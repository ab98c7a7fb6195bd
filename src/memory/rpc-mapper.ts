import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import { expectValue } from "../epc/calls.ts";
import { Llvm, Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import { takeWorkingMemory, type WorkBuffer } from "../host/work-buffer.ts";
import type { InitializeInfo, MemoryMapper, WorkingMemory, ZeroFill } from "./memory-mapper.ts";
import { callWithAddresses, instanceArgument, releaseRemoteSlab, reserveRemoteSlab } from "./remote-requests.ts";
import { Reservations } from "./reservations.ts";
import { checkSegments, mappedSize } from "./segments.ts";
import { sendContents } from "./send-contents.ts";

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
    const sized = info.segments.map((segment) => ({ ...segment, size: mappedSize(segment, this.#zeroFill) }));
    const mapped = sized.filter(({ size: bytes }) => bytes > 0);
    const contents = { start: address, size: buffer.size, position: buffer.position, bytes: buffer.bytes };
    const sent = sendContents(this.#epc, mapped.length > 0 ? mapped : sized, info.actions, contents);
    this.discard(address);
    return sent;
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

  /** Where the prepared memory that holds `address` begins. */
  #preparedFor(address: number): number {
    for (const [start, { size }] of this.#prepared) if (address >= start && address < start + size) return start;
    throw new SlablinkError("memory", `no memory was prepared at ${hex(address)}`);
  }
}
