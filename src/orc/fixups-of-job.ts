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
    symbolSize: (row) => {
      const id = symbols.id[row]!;
      const definition = id >= 0 ? resolution.definition[id]! - 1 : row;
      const which = definition >= 0 ? definition : row;
      const graph = resolution.graphOfRow(which);
      return graph.symbolSize(which - graph.firstSymbol);
    },
    classify: (id) => {
      const name = pool.name(id);
      for (const { library } of job.context.runtime.ofProcess()) {
        const symbol = library.lookup(name);
        if (symbol !== undefined) return kindOfSymbol(symbol.type);
      }
      return ExternalKind.unknown;
    },
  });
}
