// The memory that the kernel (kernel/, WebAssembly) works on: 4 GiB of address space of which only what is touched costs anything.
//
//     0            64 KiB                            2 GiB               3 GiB              4 GiB
//     | kernel's   | input files, mapped read-only   | tables of jobs    | working memory   |
//
// Files and slabs are mapped into it in place of its own pages, so that one ArrayBuffer, and 32-bit positions, reach all that a
// link reads and writes. Inputs lie below 2 GiB, where a position is a positive 32-bit integer in every column of the tables.
//
// Tables of large jobs get huge pages: one page fault in place of 512 (docs/benchmarks.md).

import { alignUp } from "../bytes/address.ts";
import { FreeRanges } from "../bytes/free-ranges.ts";
import { adviseHugePages } from "./huge-pages.ts";
import { koffi } from "./koffi.ts";
import { discardPages, MapFlag, mapMemory, PAGE_SIZE, Protection } from "./mapping.ts";
import { type WasmMemory, wasm } from "./webassembly.ts";

const GIB = 2 ** 30;
/** Pages of WebAssembly, 64 KiB each, that make 4 GiB. */
const WASM_PAGES = 65536;
/** Tables of small jobs fit into so much of their region, of which they touch some pages here and there. */
const SMALL_TABLES = 2 * 2 ** 20;

/** So little of a table is cleared in place, in bytes: that takes less than to get new pages, and they stay. */
const CLEARED = 64 * 2 ** 10;

/** The parts of the linear memory that are handed out. */
export type LinearRegion = "inputs" | "tables" | "work";

/** One shared memory for all sessions of this process, with the allocation of its address space. */
export class LinearMemory {
  readonly memory: WasmMemory;
  readonly buffer: ArrayBuffer;
  /** All of it: the byte at position p is at index p. */
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Where position 0 is in this process. */
  readonly address: number;
  /** By address, by which huge pages are aligned. */
  readonly #regions: Record<LinearRegion, FreeRanges>;
  #isAdvised = false;

  constructor() {
    // Shared for the threads, and because V8 does not count shared memory as a reason to collect garbage.
    this.memory = new wasm.Memory({ initial: WASM_PAGES, maximum: WASM_PAGES, shared: true });
    this.buffer = this.memory.buffer as ArrayBuffer;
    this.view = new DataView(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
    this.address = Number(koffi().address(this.bytes));
    this.#regions = {
      inputs: this.#region(65536, 2 * GIB),
      tables: this.#region(2 * GIB, 3 * GIB),
      work: this.#region(3 * GIB, 4 * GIB),
    };
  }

  /** Position of `size` bytes of zeros, at an address that is a multiple of `alignment`; undefined when the region has no such range. */
  take(region: LinearRegion, size: number, alignment = PAGE_SIZE): number | undefined {
    const address = this.#regions[region].take(alignUp(size, PAGE_SIZE), alignment);
    if (address === undefined) return undefined;
    const position = address - this.address;
    if (region === "tables" && position + size > 2 * GIB + SMALL_TABLES) this.#adviseTables();
    return position;
  }

  /** Bytes of the longest range that is free. */
  room(region: LinearRegion): number {
    return this.#regions[region].largestFree;
  }

  /** Takes back a range, whose pages go back to the system: mappings in it end. Of a table only so many bytes at its front have been `written` to. */
  give(region: LinearRegion, position: number, size: number, written = size): void {
    size = alignUp(size, PAGE_SIZE);
    const address = this.address + position;
    if (region === "tables" && written <= CLEARED) {
      new Float64Array(this.buffer, position, Math.ceil(written / 8)).fill(0);
      this.#regions.tables.give(address, size);
      return;
    }
    // Nothing is ever mapped over tables, and without a new mapping they keep their advice.
    if (region !== "tables" || !discardPages(address, size)) {
      const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve | MapFlag.fixed;
      const protection = Protection.read | Protection.write;
      mapMemory({ address, size, protection, flags });
    }
    this.#regions[region].give(address, size);
  }

  #adviseTables(): void {
    if (this.#isAdvised) return;
    this.#isAdvised = true;
    adviseHugePages(this.address + 2 * GIB + SMALL_TABLES, GIB - SMALL_TABLES);
  }

  #region(start: number, end: number): FreeRanges {
    return new FreeRanges({ start: this.address + start, end: this.address + end });
  }

  /**
   * Gives the pages of working memory back to the system, for a process that will not work there again: what has no file behind it is
   * zeros afterwards, slabs are as they were. Tables and inputs stay, for the report of a crash. Refused for locked memory, which stays.
   */
  dropPages(): void {
    discardPages(this.address + 3 * GIB, GIB);
  }
}

let opened: LinearMemory | undefined;
let isRefused = false;

/** The process's linear memory; undefined where so much address space is not to be had (`ulimit -v`). */
export function linearMemory(): LinearMemory | undefined {
  if (opened === undefined && !isRefused) {
    try {
      opened = new LinearMemory();
    } catch {
      isRefused = true;
    }
  }
  return opened;
}
