import { type ColumnBlock, type Columns, moveColumns } from "../kernel/columns.ts";
import { GROUP_CAPACITY, GROUP_OWNER } from "../kernel/record.ts";

const INITIAL_NAMES = 256;

/** Which graph provides the COMDAT group of a signature, by name identifier. */
export class GroupOwners {
  #owner!: Int32Array;
  readonly #columns: Columns;
  #block: ColumnBlock | undefined;

  constructor(columns: Columns) {
    this.#columns = columns;
    this.#allocate(INITIAL_NAMES);
  }

  /** Index of the graph; undefined when no graph provides the group yet. */
  get(signature: number): number | undefined {
    const owner = signature < this.#owner.length ? this.#owner[signature]! : 0;
    return owner === 0 ? undefined : owner - 1;
  }

  set(signature: number, graph: number): void {
    this.reserve(signature + 1);
    this.#owner[signature] = graph + 1;
  }

  /** Makes room for so many names. */
  reserve(names: number): void {
    if (names > this.#owner.length) this.#allocate(Math.max(2 * this.#owner.length, names));
  }

  #allocate(capacity: number): void {
    const before = this.#block;
    const owner = this.#owner;
    this.#block = this.#columns.block(4 * capacity);
    this.#owner = this.#block.int32(capacity, GROUP_OWNER);
    this.#columns.words[GROUP_CAPACITY / 4] = capacity;
    moveColumns(before, [owner], [this.#owner]);
  }
}
