import { R_X86_64_32, R_X86_64_32S } from "../arch/x86_64.ts";
import { RELA_SIZE } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { kernelFor } from "../kernel/kernel.ts";

/** What a relocation type demands of the symbol it refers to: bits. */
export const Demand = { near: 1, staticTls: 2 } as const;

const demandOf = new Uint8Array(64);
for (const type of [2, 10, 11, 12, 13, 14, 15]) demandOf[type] = Demand.near; // PC32, 32, 32S, 16, PC16, 8, PC8
for (const type of [18, 22, 23, 34, 44, 45, 47, 48, 50, 51]) demandOf[type] = Demand.staticTls; // TPOFF64, GOTTPOFF, TPOFF32, TLSDESC and their forms

/** By so many of a file's relocation entries, code that is not position-independent has shown itself. */
const SAMPLE = 64;
const LAST_INT32 = 0x7fff_ffff;

/**
 * Which of the marked names are referred to by relocations that need them within 32 bits, or relative to the thread pointer.
 * Reads every relocation entry once, so it is called only when there are candidates. With `sampled` files are read to the end only
 * if something near their start has an absolute 32-bit address, as non-PIC code of compilers does everywhere.
 */
export function directReferences(tables: GraphTables, candidates: Uint8Array, sampled = false): Map<number, number> {
  const fast = askKernel(tables, candidates, sampled);
  if (fast !== undefined) return fast;
  const { sections, symbols, graphs } = tables;
  const found = new Map<number, number>();
  const ids = symbols.id;
  let current = -1;
  let left = 0;
  for (let row = 0; row < sections.count; row++) {
    const count = sections.relocationCount[row]!;
    // Unwind tables name the personality function only to have it called.
    if (count === 0 || sections.kind[row] === SectionKind.ehFrame) continue;
    const graph = graphs[sections.graph[row]!]!;
    if (graph.index !== current) {
      current = graph.index;
      left = sampled ? SAMPLE : Number.POSITIVE_INFINITY;
    }
    const { firstSymbol, localCount, symbolCount } = graph;
    const entries = graph.relocationEntries(row);
    const first = sections.relocations[row]!;
    const end = first + count * RELA_SIZE;
    for (let entry = first; entry < end && left > 0; entry += RELA_SIZE, left--) {
      const type = entries.getUint32(entry + 8, true);
      if (type >= 64 || demandOf[type] === 0) continue;
      if (type === R_X86_64_32 || type === R_X86_64_32S) left = Number.POSITIVE_INFINITY;
      const symbol = entries.getUint32(entry + 12, true);
      if (symbol < localCount || symbol >= symbolCount) continue;
      const id = ids[firstSymbol + symbol]!;
      if (candidates[id] !== 0) found.set(id, (found.get(id) ?? 0) | demandOf[type]!);
    }
  }
  return found;
}

function askKernel(tables: GraphTables, candidates: Uint8Array, sampled: boolean): Map<number, number> | undefined {
  const { record, columns, sections } = tables;
  const fast = kernelFor(record);
  if (fast === undefined) return undefined;
  const names = candidates.length;
  const block = columns.block(64 + 6 * names + 24);
  const types = block.uint8(64);
  types.set(demandOf);
  const out = block.int32(names);
  const marks = block.uint8(names);
  marks.set(candidates);
  const demands = block.uint8(names);
  const count = fast.directReferences(
    record!,
    sections.count,
    marks.byteOffset,
    demands.byteOffset,
    types.byteOffset,
    out.byteOffset,
    sampled ? SAMPLE : LAST_INT32,
  );
  const found = new Map<number, number>();
  for (let i = 0; i < count; i++) found.set(out[i]!, demands[out[i]!]!);
  block.release();
  return found;
}
