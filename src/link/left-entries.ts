import type { Columns } from "../kernel/columns.ts";
import { APPLIED, LEFT_CAPACITY, LEFT_COUNT, LEFT_PAIRS, NEXT_ENTRY, NEXT_ROW } from "../kernel/record.ts";

/** How many entries the kernel may leave in one call. */
const CAPACITY = 1000;

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

  /** Calls `apply` with the position of its record until it has gone through everything. */
  collect(apply: (out: number) => void): void {
    const view = this.#view;
    const block = this.#columns.block(LEFT_PAIRS + 8 * CAPACITY);
    const out = block.position;
    view.setUint32(out + LEFT_CAPACITY, CAPACITY, true);
    view.setUint32(out + NEXT_ROW, 0, true);
    view.setUint32(out + NEXT_ENTRY, 0, true);
    do {
      apply(out);
      this.applied += view.getUint32(out + APPLIED, true);
      const end = out + LEFT_PAIRS + 8 * view.getUint32(out + LEFT_COUNT, true);
      for (let at = out + LEFT_PAIRS; at < end; at += 8) {
        this.rows.push(view.getUint32(at, true));
        this.entries.push(view.getUint32(at + 4, true));
      }
    } while (view.getUint32(out + NEXT_ENTRY, true) !== 0);
    block.release();
  }
}
