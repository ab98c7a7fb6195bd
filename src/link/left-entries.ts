import type { ColumnBlock, Columns } from "../kernel/columns.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type Looping, loop } from "../kernel/loop.ts";
import { APPLIED, LAST_ROW, LEFT_CAPACITY, LEFT_COUNT, LEFT_PAIRS, NEXT_ENTRY, NEXT_ROW } from "../kernel/record.ts";
import type { KernelThreads } from "../kernel/threads.ts";

/** How many entries the kernel may leave in one call, at least and at most. */
const LEAST = 256;
const MOST = 4000;
/** Rows that a thread takes at a time. */
const CHUNK = 256;

/** The relocation entries that the kernel leaves, in the order in which it met them. */
export class LeftEntries {
  readonly rows: number[] = [];
  /** Positions in the linear memory. */
  readonly entries: number[] = [];
  /** Number of entries that the kernel has seen. */
  applied = 0;
  readonly #columns: Columns;
  readonly #view: DataView;

  constructor(columns: Columns, view: DataView) {
    this.#columns = columns;
    this.#view = view;
  }

  /** Lets the kernel apply the relocations of all sections below `last`, with other threads if there are any. */
  *collect(kernel: Kernel, record: number, last: number, threads?: KernelThreads): Looping<void> {
    if (threads === undefined) {
      const block = this.#record(last);
      yield* this.#apply(kernel, record, block.position, last);
      block.release();
      return;
    }
    const counter = this.#columns.block(64);
    const records: ColumnBlock[] = [];
    const values = (): readonly [number, number, number, number, number] => {
      const block = this.#record(last);
      records.push(block);
      return [record, block.position, counter.position, last, CHUNK];
    };
    const calls = threads.callAll(kernel.applyChunks, values);
    kernel.applyChunks(...values());
    for (const call of calls) call.wait();
    for (const block of records) {
      this.#take(block.position);
      // This thread's room was used up in the middle of a chunk.
      const end = this.#view.getUint32(block.position + LAST_ROW, true);
      if (this.#view.getUint32(block.position + NEXT_ENTRY, true) !== 0)
        yield* this.#apply(kernel, record, block.position, end);
    }
    // A thread that had to stop took no further chunks.
    const rest = this.#view.getInt32(counter.position, true);
    if (rest < last) {
      const block = this.#record(last);
      this.#view.setUint32(block.position + NEXT_ROW, rest, true);
      yield* this.#apply(kernel, record, block.position, last);
      block.release();
    }
    counter.release();
    for (const block of records) block.release();
    this.#sort();
  }

  #record(rows: number): ColumnBlock {
    const capacity = Math.min(rows + LEAST, MOST);
    const block = this.#columns.block(LEFT_PAIRS + 8 * capacity);
    this.#view.setUint32(block.position + LEFT_CAPACITY, capacity, true);
    return block;
  }

  /** From where the record says up to row `last`. */
  *#apply(kernel: Kernel, record: number, out: number, last: number): Looping<void> {
    do {
      yield* loop(kernel.applyRelocations, record, out, last);
      this.#take(out);
    } while (this.#view.getUint32(out + NEXT_ENTRY, true) !== 0);
  }

  #take(out: number): void {
    const view = this.#view;
    this.applied += view.getUint32(out + APPLIED, true);
    const end = out + LEFT_PAIRS + 8 * view.getUint32(out + LEFT_COUNT, true);
    for (let at = out + LEFT_PAIRS; at < end; at += 8) {
      this.rows.push(view.getUint32(at, true));
      this.entries.push(view.getUint32(at + 4, true));
    }
  }

  /** Into the order in which one thread would have met them. */
  #sort(): void {
    const { rows, entries } = this;
    const order = rows.map((_, i) => i).sort((a, b) => rows[a]! - rows[b]! || entries[a]! - entries[b]!);
    const sorted = order.map((i) => [rows[i]!, entries[i]!] as const);
    sorted.forEach(([row, entry], i) => {
      rows[i] = row;
      entries[i] = entry;
    });
  }
}
