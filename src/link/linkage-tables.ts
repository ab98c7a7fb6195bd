import { STUB_SIZE, writeStub } from "../arch/x86_64.ts";
import { setWord64 } from "../bytes/word.ts";
import { LinkError } from "../errors.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";

/** Bytes of GOT that one symbol can need at most: its address, its thread offset, and a module/offset pair. */
export const GOT_BYTES_PER_SYMBOL = 32;

/**
 * The global offset table of a job and its stubs, made as fixups ask for them, so that nothing is there that no code uses.
 * The layout has reserved room for every symbol; untouched pages of it cost nothing.
 */
export class LinkageTables {
  readonly base: number;
  readonly stubs: number;
  readonly #memory: WorkingMemory;
  readonly #slots = new Map<number, number>();
  readonly #stubSlots: Int32Array;
  #used = 0;
  #stubCount = 0;
  readonly #room: number;
  readonly #stubRoom: number;

  constructor(memory: WorkingMemory, base: number, room: number, stubs: number, stubRoom: number, names: number) {
    this.#memory = memory;
    this.base = base;
    this.stubs = stubs;
    this.#room = room;
    this.#stubRoom = stubRoom;
    this.#stubSlots = new Int32Array(names);
  }

  /** Bytes of the table that are in use. */
  get size(): number {
    return this.#used;
  }

  get stubCount(): number {
    return this.#stubCount;
  }

  /** Address of the entry with this key; made with `first` (and `second` behind it) as its contents when there is none. */
  slot(key: number, first: number, second?: number): number {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const size = second === undefined ? 8 : 16;
    if (this.#used + size > this.#room)
      throw new Error("the layout reserved too little room for the global offset table");
    const address = this.base + this.#used;
    this.#used += size;
    const { view, base } = this.#memory;
    setWord64(view, address - base, first);
    if (second !== undefined) setWord64(view, address - base + 8, second);
    this.#slots.set(key, address);
    return address;
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
    return this.#stubSlots;
  }

  /** Address of the stub through which near code reaches name `id` at `target`; `slotKey` is the key of its GOT entry. */
  stub(id: number, target: number, slotKey: number): number {
    const known = this.#stubSlots[id]!;
    if (known !== 0) return this.stubs + (known - 1) * STUB_SIZE;
    const address = this.jump(this.slot(slotKey, target));
    this.#stubSlots[id] = this.#stubCount;
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
