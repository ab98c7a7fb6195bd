import type { ColumnBlock, Columns } from "../kernel/columns.ts";
import { GRAPH_SIZE, GRAPHS } from "../kernel/record.ts";

const INITIAL_ROWS = 256;
const WORDS = GRAPH_SIZE / 4;

/** What the kernel has to know of each graph, packed: GRAPH_SIZE bytes a row, in the order of `GraphTables.graphs`. */
export class GraphTable {
  #words!: Int32Array;
  readonly #columns: Columns;
  #block: ColumnBlock | undefined;

  constructor(columns: Columns) {
    this.#columns = columns;
    this.#allocate(INITIAL_ROWS);
  }

  /** Writes row `index`. */
  set(index: number, firstSymbol: number, symbolCount: number, localCount: number, symbolEntries: number): void {
    while (WORDS * (index + 1) > this.#words.length) this.#allocate(2 * (this.#words.length / WORDS));
    const at = WORDS * index;
    this.#words[at] = firstSymbol;
    this.#words[at + 1] = symbolCount;
    this.#words[at + 2] = localCount;
    this.#words[at + 3] = symbolEntries;
  }

  #allocate(capacity: number): void {
    const words = this.#words;
    const before = this.#block;
    this.#block = this.#columns.block(GRAPH_SIZE * capacity);
    this.#words = this.#block.int32(WORDS * capacity, GRAPHS);
    if (before === undefined) return;
    this.#words.set(words);
    before.release();
  }
}
