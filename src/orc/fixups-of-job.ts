import type { DynamicSymbol } from "../formats/elf/shared-library.ts";
import { splitVersion } from "../formats/elf/symbol-versions.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { AnchorWord } from "../link/anchor.ts";
import { ExternalKind, type Externals } from "../link/externals.ts";
import { Fixups } from "../link/fixups.ts";
import { kindOfSymbol } from "./external-names.ts";
import type { LinkJob } from "./link-job.ts";

/** The fixups of a job, with what is known of its externals and its thread-local block by now. */
export function fixupsOf(job: LinkJob, externals: Externals): Fixups {
  const { tables, resolution, plan, loaderWords } = job;
  const { symbols, pool } = tables;
  const words = plan.tls.size > 0 ? loaderWords : undefined;
  const definitionOf = (row: number): number => {
    const id = symbols.id[row]!;
    const definition = id >= 0 ? resolution.definition[id]! - 1 : row;
    return definition >= 0 ? definition : row;
  };
  let sizes: ReadonlyMap<number, number> | undefined;
  const sizeOutside = (id: number): number => {
    sizes ??= new Map(job.external.fromLibraries.map((each) => [each.id, each.symbol.size]));
    return sizes.get(id) ?? symbolOfProcess(job, pool.name(id))?.size ?? 0;
  };
  return new Fixups({
    tables,
    memory: job.alloc.memory,
    linkage: job.linkage,
    externals,
    tls: {
      module: words?.[AnchorWord.module] ?? 0,
      threadOffset: plan.staticTls ? words?.[AnchorWord.threadOffset] : undefined,
    },
    tlsImage: job.tlsImage,
    indirectSlots: job.indirectSlots,
    // What a library says of its own; 0 for what nothing defines.
    symbolSize: (row) => {
      const which = definitionOf(row);
      const place = symbols.section[which]!;
      if (place === SymbolPlace.undefined || place === SymbolPlace.discarded) return sizeOutside(symbols.id[row]!);
      return resolution.sizeOf(which);
    },
    exactValue: (row) => {
      const which = definitionOf(row);
      const graph = resolution.graphOfRow(which);
      return graph.symbolValue(which - graph.firstSymbol);
    },
    classify: (id) => {
      const symbol = symbolOfProcess(job, pool.name(id));
      return symbol === undefined ? ExternalKind.unknown : kindOfSymbol(symbol.type);
    },
  });
}

function symbolOfProcess(job: LinkJob, text: string): DynamicSymbol | undefined {
  const { name, version } = splitVersion(text);
  for (const { library } of job.context.runtime.ofProcess()) {
    const symbol = library.lookup(name, version);
    if (symbol !== undefined) return symbol;
  }
  return undefined;
}
