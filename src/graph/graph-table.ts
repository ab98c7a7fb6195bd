import { type ColumnBlock, type Columns, moveColumns } from "../kernel/columns.ts";
import {
  GRAPH_CAPACITY,
  GRAPH_FIRST_SECTION,
  GRAPH_FIRST_SYMBOL,
  GRAPH_LOCAL_COUNT,
  GRAPH_MEMBER,
  GRAPH_NAMES,
  GRAPH_NAMES_END,
  GRAPH_SECTION_COUNT,
  GRAPH_SIZE,
  GRAPH_SOURCE,
  GRAPH_SYMBOL_COUNT,
  GRAPH_SYMBOL_ENTRIES,
  GRAPHS,
} from "../kernel/record.ts";
import type { LinkGraph } from "./link-graph.ts";

const INITIAL_ROWS = 8;
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

  /** Writes the graph's row. */
  set(graph: LinkGraph): void {
    this.reserve(graph.index + 1);
    const { firstSymbol, symbolCount, localCount, symbolEntries, firstSection, sectionCount } = graph;
    const row = WORDS * graph.index;
    this.#words[row + GRAPH_FIRST_SYMBOL / 4] = firstSymbol;
    this.#words[row + GRAPH_SYMBOL_COUNT / 4] = symbolCount;
    this.#words[row + GRAPH_LOCAL_COUNT / 4] = localCount;
    this.#words[row + GRAPH_SYMBOL_ENTRIES / 4] = symbolEntries;
    this.#words[row + GRAPH_FIRST_SECTION / 4] = firstSection;
    this.#words[row + GRAPH_SECTION_COUNT / 4] = sectionCount;
  }

  /** What the kernel has written of a graph, a member of an archive. */
  get(index: number) {
    const word = (field: number): number => this.#words[WORDS * index + field / 4]!;
    return {
      firstSymbol: word(GRAPH_FIRST_SYMBOL),
      symbolCount: word(GRAPH_SYMBOL_COUNT),
      localCount: word(GRAPH_LOCAL_COUNT),
      symbolEntries: word(GRAPH_SYMBOL_ENTRIES),
      firstSection: word(GRAPH_FIRST_SECTION),
      sectionCount: word(GRAPH_SECTION_COUNT),
      symbolNames: word(GRAPH_NAMES),
      symbolNamesEnd: word(GRAPH_NAMES_END),
      source: word(GRAPH_SOURCE),
      headerOffset: word(GRAPH_MEMBER),
    };
  }

  /** Makes room for so many rows in all. */
  reserve(rows: number): void {
    const capacity = this.#words.length / WORDS;
    if (rows > capacity) this.#allocate(Math.max(2 * capacity, rows));
  }

  #allocate(capacity: number): void {
    const words = this.#words;
    const before = this.#block;
    this.#block = this.#columns.block(GRAPH_SIZE * capacity);
    this.#words = this.#block.int32(WORDS * capacity, GRAPHS);
    this.#columns.words[GRAPH_CAPACITY / 4] = capacity;
    moveColumns(before, [words], [this.#words]);
  }
}
