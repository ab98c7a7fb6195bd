import { type AddressRange, alignDown, alignUp, hex } from "../bytes/address.ts";
import { PAGE_SIZE } from "../host/mapping.ts";
import { detachView, MAX_VIEW_SIZE, viewMemory } from "../host/view.ts";

/** Memory of the executor as it is: the byte at the address asked for is at `byteOffset` of `buffer`, which holds more than was asked for. */
export interface SharedWindow {
  /** What a typed array is made over. */
  readonly buffer: ArrayBuffer;
  /** Where the address is in it. */
  readonly byteOffset: number;
}

/** A range of the executor's addresses, and where the same memory is in this process. */
export interface SharedRange extends AddressRange {
  readonly localAddress: number;
}

/** An ArrayBuffer takes 35 µs to make, and one of 64 MiB makes V8 collect garbage (2 ms): large ranges get several. */
const WINDOW_SIZE = 32 * 2 ** 20;

interface Window extends AddressRange {
  readonly buffer: ArrayBuffer;
}

interface Region extends SharedRange {
  readonly buffers: Window[];
}

/**
 * ArrayBuffers over memory that this process has in common with the executor. They are taken away (`length` 0, nothing there) before the
 * memory goes: a view of memory that is not mapped any more would be SIGSEGV.
 */
export class SharedWindows {
  readonly #regions: Region[] = [];
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();
  readonly #locate: (address: number) => SharedRange | undefined;
  #common: SharedWindows | undefined;

  /** `locate`: the range that holds an address, when nobody has told of one. */
  constructor(locate: (address: number) => SharedRange | undefined) {
    this.#locate = locate;
  }

  /** Tells of memory that is there until it is detached. */
  add(range: SharedRange): void {
    this.#regions.push({ ...range, buffers: [] });
  }

  /** Memory that others have at the same addresses: it is theirs to take away. */
  share(common: SharedWindows): void {
    this.#common = common;
  }

  /** Undefined where the memory is not shared. Errors: RangeError when it is too large for one ArrayBuffer. */
  window(address: number, size: number): SharedWindow | undefined {
    const region = this.#regionOf(address);
    if (region === undefined || address + size > region.end) return this.#common?.window(address, size);
    // One that somebody has transferred has nothing any more.
    const fits = ({ start, end, buffer }: Window) => address >= start && address + size <= end && buffer.byteLength > 0;
    let found = region.buffers.find(fits);
    if (found === undefined) {
      found = makeBuffer(region, address, size);
      region.buffers.push(found);
      this.#addresses.set(found.buffer, found.start);
    }
    return { buffer: found.buffer, byteOffset: address - found.start };
  }

  /** Where the memory of an array lies in the executor; undefined for arrays that are not over shared memory, or not any more. */
  addressOf(array: ArrayBufferView | ArrayBufferLike): number | undefined {
    const isView = ArrayBuffer.isView(array);
    const buffer = isView ? array.buffer : array;
    const base = this.#addresses.get(buffer);
    if (base === undefined) return this.#common?.addressOf(array);
    if (buffer.byteLength === 0) return undefined;
    return isView ? base + array.byteOffset : base;
  }

  /** Takes the memory in [start, end) away from all arrays over it, and forgets it. */
  detach({ start, end }: AddressRange): void {
    for (let i = this.#regions.length; i-- > 0; ) {
      const region = this.#regions[i]!;
      if (region.start >= end || region.end <= start) continue;
      for (const { buffer } of region.buffers) detachView(buffer);
      this.#regions.splice(i, 1);
    }
  }

  #regionOf(address: number): Region | undefined {
    const holds = (region: SharedRange) => address >= region.start && address < region.end;
    const known = this.#regions.find(holds);
    if (known !== undefined) return known;
    const range = this.#locate(address);
    if (range === undefined) return undefined;
    this.add(range);
    return this.#regions.at(-1);
  }
}

function makeBuffer(region: Region, address: number, size: number): Window {
  if (size > MAX_VIEW_SIZE) {
    throw new RangeError(`${hex(size)} bytes at ${hex(address)}: one array holds at most ${hex(MAX_VIEW_SIZE)} bytes`);
  }
  const offset = address - region.start;
  // Whole windows, unless that makes more than one array may hold.
  let start = alignDown(offset, WINDOW_SIZE);
  let end = Math.min(alignUp(Math.max(offset + size, 1), WINDOW_SIZE), region.end - region.start);
  if (end - start > MAX_VIEW_SIZE) {
    start = alignDown(offset, PAGE_SIZE);
    end = Math.min(start + MAX_VIEW_SIZE, region.end - region.start);
  }
  const buffer = viewMemory(region.localAddress + start, end - start);
  return { start: region.start + start, end: region.start + end, buffer };
}
