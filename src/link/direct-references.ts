import { RELA_SIZE } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";

/** What a relocation type demands of the symbol it refers to: bits. */
export const Demand = { near: 1, staticTls: 2 } as const;

const demandOf = new Uint8Array(64);
for (const type of [2, 10, 11, 12, 13, 14, 15]) demandOf[type] = Demand.near; // PC32, 32, 32S, 16, PC16, 8, PC8
for (const type of [18, 22, 23, 34, 44, 45, 47, 48, 50, 51]) demandOf[type] = Demand.staticTls; // TPOFF64, GOTTPOFF, TPOFF32, TLSDESC and their forms

/**
 * Which of the marked names are referred to by relocations that need them within 32 bits, or relative to the thread pointer.
 * Reads every relocation entry once, so it is called only when there are candidates.
 */
export function directReferences(tables: GraphTables, candidates: Uint8Array): Map<number, number> {
  const { sections, symbols, graphs } = tables;
  const found = new Map<number, number>();
  for (let row = 0; row < sections.count; row++) {
    const count = sections.relocationCount[row]!;
    // Unwind tables name the personality function only to have it called.
    if (count === 0 || sections.kind[row] === SectionKind.ehFrame) continue;
    const graph = graphs[sections.graph[row]!]!;
    const entries = graph.relocationEntries(row);
    const first = sections.relocations[row]!;
    const end = first + count * RELA_SIZE;
    for (let entry = first; entry < end; entry += RELA_SIZE) {
      const type = entries.getUint32(entry + 8, true);
      if (type >= 64 || demandOf[type] === 0) continue;
      const symbol = entries.getUint32(entry + 12, true);
      if (symbol >= graph.symbolCount) continue;
      const id = symbols.id[graph.firstSymbol + symbol]!;
      if (id >= 0 && candidates[id] !== 0) found.set(id, (found.get(id) ?? 0) | demandOf[type]!);
    }
  }
  return found;
}
