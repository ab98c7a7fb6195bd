import { type AddressRange, alignDown, hex } from "../bytes/address.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { ExecutorError } from "../errors.ts";
import { PAGE_SIZE } from "../host/mapping.ts";
import { readProcessMemory, writeProcessMemory } from "../host/process-memory.ts";
import { type BlockingControl, readByRequest, readNow, writeByRequest, writeNow } from "./memory-requests.ts";
import { isRemoteArray, type RemoteArray } from "./remote-array.ts";
import { type SharedRange, type SharedWindow, SharedWindows } from "./shared-windows.ts";
import type { TypedArrayConstructor } from "./typed-array.ts";

/** Text longer than this is no text: the longest string that an engine makes. */
const MOST_TEXT = 2 ** 29;

/** Which executor, and what of its memory this process shares: the range that holds an address, if there is one. */
export interface ExecutorMemoryOptions {
  readonly epc: ExecutorProcessControl &
    Partial<Pick<BlockingControl, "callAddressNow">> & {
      /** Of an executor that this process has started. */
      readonly pid?: number | undefined;
      /** Whether `callAddressNow` works with the connection that there is. */
      readonly canBlock?: boolean;
    };
  readonly locate: (address: number) => SharedRange | undefined;
}

/**
 * The executor's memory by its addresses, at run time. Where the same memory is this process's too (jobs of a session with `sharedData`, what
 * `allocate` gave, all of it in this process) there are arrays over it; everything else is copied. Addresses and sizes are in bytes.
 */
export class ExecutorMemory {
  /** @internal Memory that this process shares with the executor. */
  readonly windows: SharedWindows;
  /** Addresses of arrays that are no views, because their memory is not shared (`RemoteArray`). */
  readonly #standIns = new WeakMap<object, number>();
  readonly #epc: ExecutorMemoryOptions["epc"];
  #hasEnded = false;
  #isClosed = false;

  constructor({ epc, locate }: ExecutorMemoryOptions) {
    this.#epc = epc;
    this.windows = new SharedWindows(locate);
    const end = (): void => {
      this.#hasEnded = true;
    };
    if (epc.kind === "remote") epc.ended.then(end, end);
  }

  /**
   * A copy. Errors: RangeError where it is not readable, with what is mapped there; ExecutorError where nothing can be read without waiting
   * (use `readAsync`), or when the session has ended.
   */
  read(address: number, size: number): Uint8Array {
    const window = this.#windowOf("read", address, size);
    if (window !== undefined) return new Uint8Array(window.buffer, window.byteOffset, size).slice();
    this.#check("read", address, size);
    const pid = this.#pid;
    return pid === undefined ? readNow(this.#blocking("read"), address, size) : readProcessMemory(pid, address, size);
  }

  /** Errors: RangeError where it is not writable; ExecutorError as for `read`. */
  write(address: number, bytes: Uint8Array): void {
    const window = this.#windowOf("write", address, bytes.length);
    if (window !== undefined) {
      new Uint8Array(window.buffer, window.byteOffset, bytes.length).set(bytes);
      return;
    }
    this.#check("write", address, bytes.length);
    const pid = this.#pid;
    if (pid === undefined) writeNow(this.#blocking("write"), address, bytes);
    else writeProcessMemory(pid, address, bytes);
  }

  /** A copy, by requests where there is no other way. Errors: RangeError where it is not readable. */
  async readAsync(address: number, size: number): Promise<Uint8Array> {
    if (this.#pid !== undefined || this.window(address, size) !== undefined) return this.read(address, size);
    this.#check("read", address, size);
    return readByRequest(this.#epc, address, size);
  }

  /** As `write`, by requests where there is no other way. */
  async writeAsync(address: number, bytes: Uint8Array): Promise<void> {
    if (this.#pid !== undefined || this.window(address, bytes.length) !== undefined) return this.write(address, bytes);
    this.#check("write", address, bytes.length);
    return writeByRequest(this.#epc, address, bytes);
  }

  /** The UTF-8 text from an address to the next 0. Errors: as for `read`. */
  readString(address: number): string {
    const parts: Uint8Array[] = [];
    for (let at = address; at - address < MOST_TEXT; ) {
      // What is behind the page that holds the end need not be mapped.
      const part = this.read(at, alignDown(at, PAGE_SIZE) + PAGE_SIZE - at);
      const end = part.indexOf(0);
      parts.push(end < 0 ? part : part.subarray(0, end));
      if (end >= 0) return Buffer.concat(parts).toString("utf8");
      at += part.length;
    }
    throw new RangeError(`no text at ${hex(address)}: there is no 0 in ${hex(MOST_TEXT)} bytes`);
  }

  /** The executor's own memory; undefined where it is not shared. Errors: RangeError when it is too large for one ArrayBuffer. */
  window(address: number, size: number): SharedWindow | undefined {
    return !this.#isClosed ? this.windows.window(address, size) : undefined;
  }

  /** Address in the executor of an array over its memory (`allocate`, a view, a part of one); undefined for others. */
  addressOf(array: ArrayBufferView | ArrayBufferLike | RemoteArray<TypedArrayConstructor>): number | undefined {
    return isRemoteArray(array) ? this.#standIns.get(array) : this.windows.addressOf(array);
  }

  /** @internal Tells of what stands for an array at an address. */
  addStandIn(standIn: object, address: number): void {
    this.#standIns.set(standIn, address);
  }

  /** @internal Memory that is about to go: arrays over it have no elements any more. */
  detach(range: AddressRange): void {
    this.windows.detach(range);
  }

  /** @internal The session has ended: no array has elements any more. */
  close(): void {
    this.#isClosed = true;
    this.windows.detach({ start: 0, end: Number.POSITIVE_INFINITY });
  }

  #windowOf(way: string, address: number, size: number): SharedWindow | undefined {
    if (this.#isClosed) throw new ExecutorError(`${sentence(way, address, size)}: the session has ended`);
    return size > 0 ? this.windows.window(address, size) : undefined;
  }

  /** A process whose memory can be read without asking it: this one, or one that it has started. */
  get #pid(): number | undefined {
    return this.#epc.kind === "in-process" ? process.pid : this.#epc.pid;
  }

  #check(way: string, address: number, size: number): void {
    if (this.#isClosed) throw new ExecutorError(`${sentence(way, address, size)}: the session has ended`);
    // Its number may be another process's by now.
    if (this.#hasEnded) throw new ExecutorError(`${sentence(way, address, size)}: the executor has ended`);
    if (!(Number.isSafeInteger(address) && address >= 0 && Number.isSafeInteger(size) && size >= 0)) {
      throw new RangeError(`cannot ${way} ${size} bytes at ${address}: not an address and a size`);
    }
  }

  #blocking(way: string): BlockingControl {
    if (this.#epc.canBlock === true) return this.#epc as BlockingControl;
    throw new ExecutorError(
      `cannot ${way} without waiting: this process has not started the executor, and does not share the memory; use ${way}Async, or ${way}() of a RemoteArray`,
    );
  }
}

const sentence = (way: string, address: number, size: number): string =>
  `cannot ${way} ${size} bytes at ${hex(address)}`;
