import type { GraphTables, SharedReading } from "../../graph/graph-tables.ts";
import type { LinkGraph } from "../../graph/link-graph.ts";
import type { ColumnBlock } from "../../kernel/columns.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import {
  QUEUE_ADDED,
  QUEUE_CAPACITY,
  QUEUE_CLOSED,
  QUEUE_ENTRIES,
  QUEUE_ENTRY_SIZE,
  QUEUE_FINISHED,
} from "../../kernel/record.ts";
import type { KernelThreads, ThreadCall } from "../../kernel/threads.ts";
import { readSectionsAgain } from "./build-link-graph.ts";

/** Files of a job whose sections other threads may read; beyond that this thread reads them. */
const CAPACITY = 100_000;

/** The files of a job whose groups and symbols are read, and whose sections other threads read meanwhile. */
export class SectionQueue implements SharedReading {
  readonly #tables: GraphTables;
  readonly #kernel: Kernel;
  readonly #threads: KernelThreads;
  readonly #block: ColumnBlock;
  readonly #words: Int32Array;
  #calls: ThreadCall[] = [];
  #isStopped = false;

  constructor(tables: GraphTables, fast: Kernel, threads: KernelThreads) {
    this.#tables = tables;
    this.#kernel = fast;
    this.#threads = threads;
    const size = QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * CAPACITY;
    this.#block = tables.columns.block(size);
    this.#words = this.#block.int32(size / 4);
    this.#words[QUEUE_CAPACITY / 4] = CAPACITY;
  }

  add(graph: LinkGraph): boolean {
    if (this.position() === 0) return false;
    const words = this.#words;
    const index = this.#added;
    if (index >= CAPACITY) return false;
    const at = (QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * index) / 4;
    words[at] = graph.reader.start;
    words[at + 1] = graph.reader.length;
    words[at + 2] = graph.index;
    words[at + 3] = graph.firstSection;
    Atomics.store(words, QUEUE_ADDED / 4, index + 1);
    return true;
  }

  position(): number {
    if (this.#calls.length === 0) {
      if (this.#threads.idle === 0) return 0;
      const { record } = this.#tables.columns;
      this.#calls = this.#threads.callAll(this.#kernel.readQueued, () => [record!, this.#block.position, 1]);
    }
    return this.#block.position;
  }

  /** Reads what nobody has taken yet, and waits for the rest: the tables may move afterwards. */
  drain(): void {
    if (this.#added === 0) return;
    this.#kernel.readQueued(this.#tables.columns.record!, this.#block.position, 0);
    // The others are in the middle of a file each: microseconds.
    while (Atomics.load(this.#words, QUEUE_FINISHED / 4) < this.#added);
  }

  /** Ends the queue; files with something unusual in them are read here once more. */
  close(): void {
    this.stop();
    const words = this.#words;
    for (let i = 0; i < this.#added; i++) {
      const entry = (QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * i) / 4;
      if (words[entry + 4] === 2) readSectionsAgain(this.#tables.graphs[words[entry + 2]!]!);
    }
  }

  get #added(): number {
    return this.#words[QUEUE_ADDED / 4]!;
  }

  /** Ends the queue when all is read, or nothing will come of it. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.drain();
    Atomics.store(this.#words, QUEUE_CLOSED / 4, 1);
    Atomics.notify(this.#words, QUEUE_CLOSED / 4);
    for (const call of this.#calls) call.wait();
  }
}
