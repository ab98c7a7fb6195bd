import { STUB_SIZE, writeStub } from "../arch/x86_64.ts";
import { setWord64 } from "../bytes/word.ts";
import { LinkError } from "../errors.ts";
import type { Columns } from "../kernel/columns.ts";
import { GLOBAL_OFFSET_TABLE, SLOT_OF_NAME, STUB_OF_NAME, STUBS, TABLE_USED } from "../kernel/record.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";
import { ExternalKind, type Externals } from "./externals.ts";
import type { KernelJob } from "./kernel-job.ts";

/** What an entry holds; with which symbol it is for, the entry's key. */
export const EntryKind = { address: 0, threadOffset: 1, pair: 2, module: 3 } as const;

/** Bytes of GOT that one symbol can need at most: its address, its thread offset, and a module/offset pair. */
export const GOT_BYTES_PER_SYMBOL = 32;

/** Addresses of the table and of the stubs, and how many bytes there are for them. */
export interface LinkagePlace {
  readonly table: number;
  readonly tableRoom: number;
  readonly stubs: number;
  readonly stubRoom: number;
}

/**
 * The global offset table of a job and its stubs. What far names need is made beforehand, everything else as fixups ask for it. The
 * layout has reserved room for every symbol; untouched pages of it cost nothing.
 */
export class LinkageTables {
  readonly base: number;
  readonly stubs: number;
  readonly #memory: WorkingMemory;
  readonly #slots = new Map<number, number>();
  /** By name identifier: number of the name's stub + 1; distance of the name's own entry from the table's start + 1; or 0. */
  readonly #stubOfName: Int32Array;
  readonly #slotOfName: Int32Array;
  #used = 0;
  #stubCount = 0;
  readonly #room: number;
  readonly #stubRoom: number;

  constructor(memory: WorkingMemory, place: LinkagePlace, names: number, columns: Columns) {
    this.#memory = memory;
    this.base = place.table;
    this.stubs = place.stubs;
    this.#room = place.tableRoom;
    this.#stubRoom = place.stubRoom;
    const block = columns.block(8 * names + 8);
    this.#stubOfName = block.int32(names, STUB_OF_NAME);
    this.#slotOfName = block.int32(names, SLOT_OF_NAME);
  }

  /** Bytes of the table that are in use. */
  get size(): number {
    return this.#used;
  }

  get stubCount(): number {
    return this.#stubCount;
  }

  /** Address of the entry with this key, (name identifier + 1) * 4 + `EntryKind`; made with `first` (and `second` behind it) as its contents when there is none. */
  slot(key: number, first: number, second?: number): number {
    const name = key % 4 === EntryKind.address ? key / 4 - 1 : this.#slotOfName.length;
    const known = name < this.#slotOfName.length ? this.#slotOfName[name]! - 1 : this.#slots.get(key);
    if (known !== undefined && known >= 0) return this.base + known;
    const size = second === undefined ? 8 : 16;
    if (this.#used + size > this.#room)
      throw new Error("the layout reserved too little room for the global offset table");
    const address = this.base + this.#used;
    this.#used += size;
    const { view, base } = this.#memory;
    setWord64(view, address - base, first);
    if (second !== undefined) setWord64(view, address - base + 8, second);
    if (name < this.#slotOfName.length) this.#slotOfName[name] = address - this.base + 1;
    else this.#slots.set(key, address - this.base);
    return address;
  }

  /**
   * Makes entries, and stubs for functions, for all external names outside of [near, nearEnd), in the order of their identifiers: the
   * contents of a job must not depend on how many threads apply its relocations.
   */
  linkFar(externals: Externals, near: number, nearEnd: number, fast?: KernelJob): void {
    const names = this.#slotOfName.length;
    if (fast !== undefined) {
      const { kernel, record, view } = fast;
      view.setFloat64(record + STUBS, this.stubs, true);
      view.setFloat64(record + GLOBAL_OFFSET_TABLE, this.base, true);
      this.#stubCount = kernel.linkFar(record, names, near, nearEnd, this.#used, this.#stubCount);
      this.#used = view.getInt32(record + TABLE_USED, true);
      return;
    }
    for (let id = 0; id < names; id++) {
      const address = externals.address[id]!;
      const kind = externals.kind[id]!;
      if (Number.isNaN(address) || (address >= near && address < nearEnd) || kind > ExternalKind.data) continue;
      if (this.#slotOfName[id] !== 0 || address < 0 || address > Number.MAX_SAFE_INTEGER) continue;
      const key = 4 * (id + 1) + EntryKind.address;
      this.slot(key, address);
      if (kind !== ExternalKind.data) this.stub(id, address, key);
    }
  }

  /** Appends plain words that the executor will read, and gives the address of the first. */
  append(words: readonly number[]): number {
    const address = this.base + this.#used;
    if (this.#used + 8 * words.length > this.#room) {
      throw new LinkError("link", `${words.length} words for the executor do not fit the ${this.#room} bytes reserved`);
    }
    const { view, base } = this.#memory;
    words.forEach((word, i) => {
      setWord64(view, address - base + 8 * i, word);
    });
    this.#used += 8 * words.length;
    return address;
  }

  /** By name identifier: number of the name's stub + 1, or 0 while it has none. For the loop over all relocations. */
  get stubOfName(): Int32Array {
    return this.#stubOfName;
  }

  /** Address of the stub through which near code reaches name `id` at `target`; `slotKey` is the key of its GOT entry. */
  stub(id: number, target: number, slotKey: number): number {
    const known = this.#stubOfName[id]!;
    if (known !== 0) return this.stubs + (known - 1) * STUB_SIZE;
    const address = this.jump(this.slot(slotKey, target));
    this.#stubOfName[id] = this.#stubCount;
    return address;
  }

  /** Makes a stub that jumps through the 8-byte slot at `slot`, anywhere within ±2 GiB, and gives its address. */
  jump(slot: number): number {
    if ((this.#stubCount + 1) * STUB_SIZE > this.#stubRoom)
      throw new Error("the layout reserved too little room for stubs");
    const address = this.stubs + this.#stubCount++ * STUB_SIZE;
    writeStub(this.#memory.view, address - this.#memory.base, slot - address);
    return address;
  }
}
