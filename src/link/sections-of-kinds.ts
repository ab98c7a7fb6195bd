import type { GraphTables } from "../graph/graph-tables.ts";
import type { SectionKind } from "../graph/section-table.ts";
import { kernelFor } from "../kernel/kernel.ts";

/** So few are gone through sooner than the kernel can be given room for its answer. */
const FEW = 1024;

/** Rows of the sections of some kinds, in their order. */
export function sectionsOfKinds(tables: GraphTables, ...kinds: readonly SectionKind[]): ArrayLike<number> {
  const { sections, columns } = tables;
  const mask = kinds.reduce<number>((bits, kind) => bits | (1 << kind), 0);
  const { record } = columns;
  const fast = sections.count > FEW ? kernelFor(record) : undefined;
  if (fast !== undefined) {
    const block = columns.block(4 * sections.count);
    const count = fast.sectionsOfKinds(record!, sections.count, mask, block.position);
    const rows = block.int32(sections.count).slice(0, count);
    block.release();
    return rows;
  }
  const rows: number[] = [];
  for (let row = 0; row < sections.count; row++) if ((mask >> sections.kind[row]!) & 1) rows.push(row);
  return rows;
}
