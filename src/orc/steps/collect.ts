import { buildLinkGraph } from "../../formats/elf/build-link-graph.ts";
import { ArchiveSource } from "../archive-source.ts";
import type { SharedLibraryGenerator } from "../definition-generator.ts";
import type { LinkJob } from "../link-job.ts";
import { duplicateSymbols, threadLocalMismatches } from "../undefined-symbols.ts";

/** Finds out by symbol tables alone which objects and archive members the job consists of, and who defines what. */
export function collect(job: LinkJob, names: readonly string[]): void {
  const { dylib, tables, resolution } = job;
  const { pool } = tables;
  const sources: ArchiveSource[] = [];
  const librariesBefore: SharedLibraryGenerator[] = [];
  job.objects = dylib.pending.splice(0);
  for (const reader of job.objects) resolution.add(buildLinkGraph(tables, reader));
  for (const generator of dylib.generators) {
    if (generator.kind === "shared-library") librariesBefore.push(generator);
    if (generator.kind !== "archive") continue;
    job.archives++;
    const source = new ArchiveSource(generator.archive, tables, [...librariesBefore]);
    if (generator.whole) for (const graph of source.extractAll()) resolution.add(graph);
    else sources.push(source);
  }
  for (const source of sources) source.offerTo(resolution);
  for (const name of names) resolution.want(pool.internString(name));
  for (const [alias, target] of dylib.aliases) {
    const id = pool.internString(target);
    job.aliases.set(pool.internString(alias), id);
    resolution.want(id);
  }
  // What earlier jobs have linked is not linked again.
  const isLinked = (id: number): boolean => {
    return dylib.find(pool.name(id)) !== undefined;
  };
  resolution.close(dylib.linked.length + dylib.absolutes.size > 0 ? isLinked : undefined);
  if (resolution.duplicates.length > 0) throw duplicateSymbols(tables, resolution.duplicates);
  const mismatches = resolution.threadLocalMismatches();
  if (mismatches.length > 0) throw threadLocalMismatches(tables, mismatches);
  resolution.allocateCommons();
}
