import { alignUp } from "../bytes/address.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";

/** Smallest unit of protection. */
const PAGE = 4096;

/** What an object has to itself, in this order; the rest (frames, constructor arrays, zero-fill) is put together per job. */
const kinds = [SectionKind.code, SectionKind.readOnly, SectionKind.data] as const;

/** The memory that one object has to itself where each gets an allocation of its own: pages for each protection. */
export interface ObjectBlock {
  address: number;
  readonly segments: { address: number; readonly size: number; readonly kind: SectionKind }[];
}

/** Whether sections of a kind are in their object's block. */
export function isInObjectBlock(kind: number): boolean {
  return (kinds as readonly number[]).includes(kind);
}

/**
 * Places `rows`, sections that are in blocks, in ascending order: block after block from offset 0. Gives the blocks, the
 * end in whole pages, and the largest alignment.
 */
export function placeObjectBlocks(
  { sections }: GraphTables,
  rows: readonly number[],
): { blocks: ObjectBlock[]; end: number; alignment: number } {
  const blocks: ObjectBlock[] = [];
  let end = 0;
  let largest = PAGE;
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const graph = sections.graph[rows[from]!]!;
    while (to < rows.length && sections.graph[rows[to]!] === graph) to++;
    const own = rows.slice(from, to);
    const block: ObjectBlock = { address: end, segments: [] };
    for (const kind of kinds) {
      const members = own.filter((row) => sections.kind[row] === kind);
      const alignment = members.reduce((most, row) => Math.max(most, sections.alignment[row]!), PAGE);
      const address = alignUp(end, alignment);
      let at = address;
      for (const row of members) {
        at = alignUp(at, sections.alignment[row]!);
        sections.address[row] = at;
        at += sections.size[row]!;
      }
      if (at === address) continue;
      block.segments.push({ address, size: at - address, kind });
      largest = Math.max(largest, alignment);
      end = alignUp(at, PAGE);
    }
    if (block.segments.length > 0) blocks.push(block);
  }
  return { blocks, end, alignment: largest };
}
