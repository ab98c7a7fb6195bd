import { RELA_SIZE } from "../../formats/elf/constants.ts";
import { SectionKind } from "../../graph/section-table.ts";
import type { ObjectSymbols } from "./object-symbols.ts";

/** An entry of a relocation table. */
export interface RelocationEntry {
  /** Where the entry is in the file's view. */
  readonly position: number;
  /** Index of the section that it changes, and the place there. */
  readonly section: number;
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  readonly addend: number;
}

/** The relocation entries of all sections that become part of the program. Errors: ObjectFormatError for tables in a compact form. */
export function* relocationsOf({ graph, reader }: ObjectSymbols): Generator<RelocationEntry, void, undefined> {
  const { sections } = graph.tables;
  const { view } = reader;
  for (let section = 1; section < graph.sectionCount; section++) {
    const count = sections.relocationCount[section]!;
    if (count === 0 || sections.kind[section] === SectionKind.none) continue;
    if (graph.expandedRelocations.has(section)) {
      reader.fail(
        `cannot be replaced: the relocation entries of ${graph.sectionName(section)} have no addends (SHT_REL) or are compact (SHT_CREL)`,
      );
    }
    const first = sections.relocations[section]!;
    for (let position = first; position < first + RELA_SIZE * count; position += RELA_SIZE) {
      yield {
        position,
        section,
        offset: view.getUint32(position, true),
        type: view.getUint32(position + 8, true),
        symbol: view.getUint32(position + 12, true),
        addend: view.getInt32(position + 20, true) * 0x1_0000_0000 + view.getUint32(position + 16, true),
      };
    }
  }
}
