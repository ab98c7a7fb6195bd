import type { GraphTables } from "../../graph/graph-tables.ts";
import type { LinkGraph } from "../../graph/link-graph.ts";
import type { ColumnBlock } from "../../kernel/columns.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { QUEUE_ADDED, QUEUE_CLOSED, QUEUE_ENTRIES, QUEUE_ENTRY_SIZE, QUEUE_FINISHED } from "../../kernel/record.ts";
import type { KernelThreads, ThreadCall } from "../../kernel/threads.ts";
import { readSectionsAgain } from "./build-link-graph.ts";

/** Files of a job whose sections other threads may read; beyond that this thread reads them. */
const CAPACITY = 100_000;

/** The files of a job whose groups and symbols are read, and whose sections other threads read meanwhile. */
export class SectionQueue {
  readonly #tables: GraphTables;
  readonly #kernel: Kernel;
  readonly #threads: KernelThreads;
  readonly #block: ColumnBlock;
  readonly #words: Int32Array;
  readonly #graphs: LinkGraph[] = [];
  #calls: ThreadCall[] = [];
  #isStopped = false;

  constructor(tables: GraphTables, fast: Kernel, threads: KernelThreads) {
    this.#tables = tables;
    this.#kernel = fast;
    this.#threads = threads;
    const size = QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * CAPACITY;
    this.#block = tables.columns.block(size);
    this.#words = this.#block.int32(size / 4);
  }

  /** Leaves the sections of `graph` to other threads; false when none is there. */
  add(graph: LinkGraph): boolean {
    const words = this.#words;
    if (this.#calls.length === 0) {
      if (this.#threads.idle === 0) return false;
      const { record } = this.#tables.columns;
      this.#calls = this.#threads.callAll(this.#kernel.readQueued, () => [record!, this.#block.position, 1]);
    }
    const index = this.#graphs.length;
    if (index >= CAPACITY) return false;
    this.#graphs.push(graph);
    const at = (QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * index) / 4;
    words[at] = graph.reader.start;
    words[at + 1] = graph.reader.length;
    words[at + 2] = graph.index;
    words[at + 3] = graph.firstSection;
    Atomics.store(words, QUEUE_ADDED / 4, index + 1);
    return true;
  }

  /** Reads what nobody has taken yet, and waits for the rest: the tables may move afterwards. */
  drain(): void {
    if (this.#graphs.length === 0) return;
    this.#kernel.readQueued(this.#tables.columns.record!, this.#block.position, 0);
    // The others are in the middle of a file each: microseconds.
    while (Atomics.load(this.#words, QUEUE_FINISHED / 4) < this.#graphs.length);
  }

  /** Ends the queue; files with something unusual in them are read here once more. */
  close(): void {
    this.stop();
    const words = this.#words;
    this.#graphs.forEach((graph, i) => {
      if (words[(QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * i) / 4 + 4] === 2) readSectionsAgain(graph);
    });
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
