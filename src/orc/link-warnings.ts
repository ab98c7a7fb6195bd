import { SectionKind } from "../graph/section-table.ts";
import type { LinkJob } from "./link-job.ts";

/** What the inputs ask for and get, although it weakens the process: one sentence for each object, or object and section. */
export function linkWarnings({ tables, layout }: LinkJob): string[] {
  const warnings: string[] = [];
  if (layout.writableCode.size > 0) {
    const { sections, graphs } = tables;
    for (let row = 0; row < sections.count; row++) {
      const address = sections.address[row]!;
      const { writableCode } = layout;
      if (address < writableCode.address || address >= writableCode.address + writableCode.size) continue;
      if (sections.kind[row] === SectionKind.none || sections.kind[row] === SectionKind.discarded) continue;
      const graph = graphs[sections.graph[row]!]!;
      warnings.push(`${graph.name}:(${graph.sectionName(row)}): this section is writable and executable at once`);
    }
  }
  for (const graph of tables.executableStacks) {
    warnings.push(`${graph.name}: asks for executable stacks (.note.GNU-stack); those of all threads are made so`);
  }
  return warnings;
}
