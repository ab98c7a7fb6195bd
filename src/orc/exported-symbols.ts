import { STB_GLOBAL, STB_GNU_UNIQUE, STT_FUNC, STT_GNU_IFUNC } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { AnchorExport } from "../link/anchor.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** A definition that others may see, with its name's identifier. */
export interface ExportedSymbol extends AnchorExport {
  readonly id: number;
}

/** The job's definitions of default or protected visibility: what an executable linked with -rdynamic would export. */
export function exportedSymbols(tables: GraphTables, resolution: SymbolResolution): ExportedSymbol[] {
  const { symbols, sections, pool } = tables;
  const exports: ExportedSymbol[] = [];
  // Another job may be adding names to the pool meanwhile.
  for (let id = 0; id < Math.min(pool.size, resolution.definition.length); id++) {
    const row = resolution.definition[id]! - 1;
    if (row < 0) continue;
    const info = symbols.info[row]!;
    if (resolution.invisible[id] !== 0) continue;
    const section = symbols.section[row]!;
    if (section >= 0 ? sections.kind[section] === SectionKind.none : section !== SymbolPlace.absolute) continue;
    const graph = resolution.graphOfRow(row);
    const type = info & 0xf;
    // A unique symbol in an object that can be unloaded would pin it for ever, so it is exported as global.
    const binding = (info >> 4) & 0xf;
    exports.push({
      id,
      name: pool.bytes(id).slice(),
      info: ((binding === STB_GNU_UNIQUE ? STB_GLOBAL : binding) << 4) | (type === STT_GNU_IFUNC ? STT_FUNC : type),
      size: graph.symbolSize(row - graph.firstSymbol),
      address: () => symbols.value[row]!,
    });
  }
  return exports;
}
