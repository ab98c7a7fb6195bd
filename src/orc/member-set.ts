import type { ColumnBlock, Columns } from "../kernel/columns.ts";
import { MEMBERS, MEMBERS_COUNT, MEMBERS_MASK } from "../kernel/record.ts";

const INITIAL_WORDS = 1024;
const MASK = MEMBERS_MASK / 4;
const COUNT = MEMBERS_COUNT / 4;

/** The archive members that a job has taken, by the position of their header: open addressing, at most half full, 0 for nothing. */
export class MemberSet {
  readonly #columns: Columns;
  #block: ColumnBlock | undefined;
  #words!: Int32Array;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** Adds a member; false when it is there already. */
  add(position: number): boolean {
    this.reserve();
    const { words } = this.#columns;
    const slot = this.#slotOf(position);
    if (this.#words[slot] !== 0) return false;
    this.#words[slot] = position;
    words[COUNT] = words[COUNT]! + 1;
    return true;
  }

  /** Makes room for one more. */
  reserve(): void {
    const { words } = this.#columns;
    const count = words[COUNT]!;
    if (this.#block !== undefined && 2 * (count + 1) <= this.#words.length) return;
    const [before, members] = [this.#block, this.#words];
    const size = before === undefined ? INITIAL_WORDS : 2 * members.length;
    this.#block = this.#columns.block(4 * size);
    this.#words = this.#block.int32(size, MEMBERS);
    words[MASK] = size - 1;
    if (before === undefined) return;
    for (const member of members) if (member !== 0) this.#words[this.#slotOf(member)] = member;
    before.release();
  }

  /** Where a member is, or belongs. Headers lie at even offsets, some hundred bytes apart. */
  #slotOf(position: number): number {
    const mask = this.#columns.words[MASK]!;
    let slot = (Math.imul(position, 0x9e3779b1) >>> 7) & mask;
    while (this.#words[slot] !== 0 && this.#words[slot] !== position) slot = (slot + 1) & mask;
    return slot;
  }
}
