import { type AddressRange, alignDown, alignUp } from "../bytes/address.ts";
import { FreeRanges } from "../bytes/free-ranges.ts";
import { PAGE_SIZE } from "../host/mapping.ts";

/** Arrays begin at multiples of this: what one thread writes shares no line of a processor's cache with what another does. */
export const CACHE_LINE = 64;

/** From here on whole pages are given back to the system in place of being filled with zeros. */
const GIVEN_BACK = 64 * 1024;

/** How a chunk's memory becomes zero. */
export interface ZeroWays {
  fill(address: number, size: number): void | Promise<void>;
  /** Whole pages; absent where pages cannot be given back. False where that failed. */
  giveBack?(address: number, size: number): boolean;
}

/** One reservation of run-time memory, divided without asking the executor. What is handed out reads as zero. */
export class HeapChunk {
  readonly range: AddressRange;
  readonly #free: FreeRanges;
  readonly #ways: ZeroWays;
  /** Everything at or above has never been handed out. */
  #fresh: number;

  constructor(range: AddressRange, ways: ZeroWays) {
    this.range = range;
    this.#free = new FreeRanges(range);
    this.#ways = ways;
    this.#fresh = range.start;
  }

  get isEmpty(): boolean {
    return this.#free.freeSize === this.range.end - this.range.start;
  }

  /** Address of so many zero bytes, a multiple of `CACHE_LINE`; undefined when there is no room. */
  allocate(size: number): number | Promise<number> | undefined {
    const address = this.#free.take(size, CACHE_LINE);
    if (address === undefined) return undefined;
    const used = Math.min(address + size, this.#fresh);
    this.#fresh = Math.max(this.#fresh, address + size);
    // Cleared now, not when it was freed: somebody may have gone on writing.
    const cleared = address < used ? this.#clear(address, used - address) : undefined;
    return cleared === undefined ? address : cleared.then(() => address);
  }

  /** Takes back what `allocate` gave. */
  free(address: number, size: number): void {
    this.#free.give(address, size);
    const [start, end] = wholePages(address, size);
    if (end - start >= GIVEN_BACK) this.#ways.giveBack?.(start, end - start);
  }

  #clear(address: number, size: number): Promise<void> | undefined {
    const [start, end] = wholePages(address, size);
    const ways = this.#ways;
    const isLarge = end - start >= GIVEN_BACK && ways.giveBack?.(start, end - start) === true;
    if (!isLarge) return ways.fill(address, size) ?? undefined;
    const edges = [ways.fill(address, start - address), ways.fill(end, address + size - end)];
    return edges.some((edge) => edge !== undefined) ? Promise.all(edges).then(() => {}) : undefined;
  }
}

function wholePages(address: number, size: number): [number, number] {
  const start = alignUp(address, PAGE_SIZE);
  return [start, Math.max(start, alignDown(address + size, PAGE_SIZE))];
}
