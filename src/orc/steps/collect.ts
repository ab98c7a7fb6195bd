import { buildLinkGraph } from "../../formats/elf/build-link-graph.ts";
import { readObject } from "../../formats/elf/read-object.ts";
import { ArchiveSource } from "../archive-source.ts";
import type { DefinitionGenerator, SharedLibraryGenerator } from "../definition-generator.ts";
import type { LinkJob } from "../link-job.ts";
import { duplicateSymbols, threadLocalMismatches } from "../undefined-symbols.ts";

/**
 * Finds out by symbol tables alone which objects and archive members the job consists of, and who defines what. Goes through
 * the inputs in their order, as a linker does: it decides which of several definitions is taken.
 */
export function collect(job: LinkJob, names: readonly string[]): void {
  const { dylib, tables, resolution } = job;
  const { pool } = tables;
  job.objects = dylib.pending.splice(0);
  job.lookedUp = names;
  const archives = archiveSources(job);
  for (const name of names) resolution.want(pool.internString(name));
  for (const [alias, target] of dylib.aliases) {
    const id = pool.internString(target);
    job.aliases.set(pool.internString(alias), id);
    resolution.want(id);
  }
  // What earlier jobs have linked is not linked again.
  const hasLinked = dylib.linked.length + dylib.absolutes.size > 0;
  const isLinked = hasLinked ? (id: number): boolean => dylib.find(pool.name(id)) !== undefined : undefined;
  let object = 0;
  const addObjects = (before: number): void => {
    for (; object < job.objects.length && job.objects[object]!.generatorsBefore <= before; object++) {
      const { reader } = job.objects[object]!;
      resolution.add(readObject(tables, reader) ?? buildLinkGraph(tables, reader));
    }
  };
  dylib.generators.forEach((generator, at) => {
    addObjects(at);
    const archive = archives.get(generator);
    if (archive === undefined) {
      if (generator.kind === "shared-library" && archives.size > 0) wantForLibrary(job, generator);
    } else if (archive.number === 0) for (const graph of archive.source.extractAll()) resolution.add(graph);
    else resolution.visit(archive.number, isLinked);
  });
  addObjects(Number.POSITIVE_INFINITY);
  resolution.close(isLinked);
  if (resolution.duplicates.length > 0) throw duplicateSymbols(tables, resolution.duplicates);
  const mismatches = resolution.threadLocalMismatches();
  if (mismatches.length > 0) throw threadLocalMismatches(tables, mismatches);
  resolution.allocateCommons();
  for (const [versioned, name] of tables.defaultVersions) job.aliases.set(versioned, name);
}

/** The archives by their generators, all of what they offer offered; number 0 stands for one that is linked as a whole. */
function archiveSources(job: LinkJob): Map<DefinitionGenerator, { source: ArchiveSource; number: number }> {
  const sources = new Map<DefinitionGenerator, { source: ArchiveSource; number: number }>();
  const librariesBefore: SharedLibraryGenerator[] = [];
  for (const generator of job.dylib.generators) {
    if (generator.kind === "shared-library") librariesBefore.push(generator);
    if (generator.kind !== "archive") continue;
    job.archives++;
    const rule = job.cLibraries.ruleFor(generator, job.context.runtime);
    if (rule?.library !== undefined) {
      librariesBefore.push(rule.library);
      continue;
    }
    const source = new ArchiveSource(generator.archive, job.tables, [...librariesBefore], rule?.accepts);
    const number = generator.whole ? 0 : source.offerTo(job.resolution, generator.group);
    sources.set(generator, { source, number });
  }
  return sources;
}

/** What a shared library refers to and does not define may be in an archive behind it, as far as its name bears no version. */
function wantForLibrary({ tables, resolution }: LinkJob, { library, asNeeded }: SharedLibraryGenerator): void {
  // Not yet needed by anything, so a linker would pass it over.
  if (asNeeded) return;
  for (const name of library.undefinedNames()) resolution.wantIfOffered(tables.pool.internString(name));
}
