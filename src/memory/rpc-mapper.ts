import { type AddressRange, alignUp, hex } from "../bytes/address.ts";
import { expectValue } from "../epc/calls.ts";
import { Llvm, Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
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
  readonly #prepared = new Map<number, WorkingMemory>();

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
    const bytes = new Uint8Array(size);
    const memory = { view: new DataView(bytes.buffer), bytes, base: address };
    this.#prepared.set(address, memory);
    return memory;
  }

  discard(address: number): void {
    this.#prepared.delete(address);
  }

  async initialize(info: InitializeInfo): Promise<number> {
    const { start, size } = this.#reservations.at(info.reservation);
    const lowest = checkSegments(info.segments, start, size, this.pageSize);
    const memory = this.#preparedFor(lowest);
    const sized = info.segments.map((segment) => ({ ...segment, size: mappedSize(segment, this.#zeroFill) }));
    const mapped = sized.filter(({ size: bytes }) => bytes > 0);
    this.#prepared.delete(memory.base);
    return sendContents(this.#epc, mapped.length > 0 ? mapped : sized, info.actions, memory);
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

  #preparedFor(address: number): WorkingMemory {
    for (const memory of this.#prepared.values()) {
      if (address >= memory.base && address < memory.base + memory.bytes.length) return memory;
    }
    throw new SlablinkError("memory", `no memory was prepared at ${hex(address)}`);
  }
}
