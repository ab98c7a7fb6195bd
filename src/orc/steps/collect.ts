import type { ByteReader } from "../../bytes/byte-reader.ts";
import { buildLinkGraph } from "../../formats/elf/build-link-graph.ts";
import { readObject } from "../../formats/elf/read-object.ts";
import { SectionQueue } from "../../formats/elf/section-queue.ts";
import type { LinkGraph } from "../../graph/link-graph.ts";
import { SECTION_ROW_SIZE } from "../../graph/section-table.ts";
import { SYMBOL_ROW_SIZE } from "../../graph/symbol-table.ts";
import { kernel } from "../../kernel/kernel.ts";
import type { Looping } from "../../kernel/loop.ts";
import { ArchiveSource } from "../archive-source.ts";
import { archivesOf, type SharedLibraryGenerator, type StaticArchiveGenerator } from "../definition-generator.ts";
import { meetEarlierDefinitions } from "../earlier-jobs.ts";
import type { PendingObject } from "../jit-dylib.ts";
import type { LinkJob } from "../link-job.ts";
import { duplicateSymbols, threadLocalMismatches } from "../undefined-symbols.ts";

/** Of inputs with a section for every function, of which not all is linked. */
const BYTES_PER_SECTION = 128;
const BYTES_PER_SYMBOL = 256;

/**
 * Finds out by symbol tables alone which objects and archive members the job consists of, and who defines what. Goes through
 * the inputs in their order, as a linker does: it decides which of several definitions is taken.
 */
export function* collect(job: LinkJob, names: readonly string[]): Looping<void> {
  const { tables, resolution } = job;
  job.objects = takeObjects(job);
  job.lookedUp = names;
  reserveRows(job);
  const queue = openQueue(job);
  try {
    yield* resolve(job, names);
    queue?.close();
  } finally {
    queue?.stop();
    tables.queue = undefined;
    tables.sections.beforeMove = undefined;
  }
  if (resolution.duplicates.length > 0) throw duplicateSymbols(tables, resolution.duplicates);
  meetEarlierDefinitions(job);
  const mismatches = resolution.threadLocalMismatches();
  if (mismatches.length > 0) throw threadLocalMismatches(tables, mismatches);
  resolution.allocateCommons();
  for (const [versioned, name] of tables.defaultVersions) job.aliases.set(versioned, name);
}

/** Takes what the job is to link of what has been added to the JITDylib. */
function takeObjects({ dylib, context }: LinkJob): readonly PendingObject[] {
  const { objects } = context;
  if (objects === undefined) return dylib.pending.splice(0);
  const taken = new Set(objects);
  dylib.drop((object) => taken.has(object));
  return objects;
}

/** Reads objects and what they need of the archives. */
function* resolve(job: LinkJob, names: readonly string[]): Looping<void> {
  const { dylib, tables, resolution, context } = job;
  const { pool } = tables;
  const { plugins } = context;
  // Objects alone: archives that are there in any case need not be opened before one is missed.
  const onlyObjects = dylib.generators.every(({ kind }) => kind === "implicit-archives" || kind === "process");
  const archives = onlyObjects ? new Map<StaticArchiveGenerator, OfferedArchive>() : yield* offerArchives(job);
  for (const name of names) {
    const id = pool.internString(name);
    if (context.weakNames?.has(name) === true) resolution.wantWeakly(id);
    else resolution.want(id);
  }
  for (const [alias, target] of context.aliases ?? dylib.aliases) {
    const id = pool.internString(target);
    job.aliases.set(pool.internString(alias), id);
    resolution.want(id);
  }
  // What earlier jobs have linked is not linked again.
  const isLinked = dylib.hasDefinitions ? (id: number): boolean => dylib.find(pool.name(id)) !== undefined : undefined;
  let object = 0;
  const addObjects = (before: number): void => {
    for (; object < job.objects.length && job.objects[object]!.generatorsBefore <= before; object++) {
      const { reader } = job.objects[object]!;
      job.graphsOfObjects.push(addObject(plugins?.rewrite(reader) ?? reader));
    }
  };
  const addObject = (reader: ByteReader): LinkGraph => {
    const graph = readObject(tables, reader) ?? buildLinkGraph(tables, reader);
    resolution.add(graph);
    return graph;
  };
  for (const [at, generator] of dylib.generators.entries()) {
    addObjects(at);
    if (generator.kind === "shared-library" && archives.size > 0) wantForLibrary(job, generator);
    if (archives.size === 0) continue;
    for (const each of archivesOf(generator)) {
      const archive = archives.get(each);
      if (archive === undefined) continue;
      if (archive.number === 0) linkWhole(job, each, archive.source);
      else yield* resolution.visit(archive.number, isLinked);
    }
  }
  addObjects(Number.POSITIVE_INFINITY);
  // What earlier jobs define is theirs in any case (`isLinked`).
  const isMissed = (id: number): boolean => isLinked?.(id) !== true;
  if (onlyObjects && resolution.undefinedNames().some(isMissed)) yield* offerArchives(job);
  yield* resolution.close(isLinked);
  // What plugins add may need further members, for which they may add something in turn.
  for (let added = plugins?.takeAdded(); added !== undefined && added.length > 0; added = plugins?.takeAdded()) {
    for (const reader of added) addObject(reader);
    yield* resolution.close(isLinked);
  }
}

/** Links all members, unless an earlier job has that is still there. */
function linkWhole(job: LinkJob, generator: StaticArchiveGenerator, source: ArchiveSource): void {
  if (job.dylib.wholeArchives.has(generator)) return;
  for (const graph of source.extractAll()) job.resolution.add(graph);
  job.wholeArchives.push(generator);
}

/** An archive whose definitions the resolution knows; number 0 stands for one that is linked as a whole. */
interface OfferedArchive {
  readonly source: ArchiveSource;
  readonly number: number;
}

/** Offers all that the archives have. */
function* offerArchives(job: LinkJob): Looping<Map<StaticArchiveGenerator, OfferedArchive>> {
  const sources = new Map<StaticArchiveGenerator, OfferedArchive>();
  const librariesBefore: SharedLibraryGenerator[] = [];
  reserveNames(job);
  for (const generator of job.dylib.generators) {
    if (generator.kind === "shared-library") librariesBefore.push(generator);
    for (const archive of archivesOf(generator)) {
      job.archives++;
      const rule = job.cLibraries.ruleFor(archive, job.context.runtime);
      if (rule?.library !== undefined) {
        librariesBefore.push(rule.library);
        continue;
      }
      const { plugins } = job.context;
      const rewrite = plugins === undefined ? undefined : (reader: ByteReader) => plugins.rewrite(reader);
      const options = { librariesBefore: [...librariesBefore], accepts: rule?.accepts, rewrite };
      const source = new ArchiveSource(archive.archive, job.tables, options);
      const number = archive.whole ? 0 : yield* source.offerTo(job.resolution.offers, archive.group);
      sources.set(archive, { source, number });
    }
  }
  return sources;
}

/** What a shared library refers to and does not define may be in an archive behind it, as far as its name bears no version. */
function wantForLibrary({ tables, resolution }: LinkJob, { library, asNeeded }: SharedLibraryGenerator): void {
  // Not yet needed by anything, so a linker would pass it over.
  if (asNeeded) return;
  for (const name of library.undefinedNames()) resolution.wantIfOffered(tables.pool.internString(name));
}

/**
 * Makes room for as many sections and symbols as objects and archives of that size usually have: tables that grow by copying were a sixth of
 * the time of a large job, room that is not used costs nothing.
 */
function reserveRows({ inputBytes, tables }: LinkJob): void {
  const { sections, symbols, columns } = tables;
  sections.reserve(Math.floor(Math.min(inputBytes / BYTES_PER_SECTION, columns.spare / SECTION_ROW_SIZE)));
  symbols.reserve(Math.floor(Math.min(inputBytes / BYTES_PER_SYMBOL, columns.spare / SYMBOL_ROW_SIZE)));
}

/** Makes room for all names of the archives' indexes and as many again, where growing and growing again would cost more than half of their time. */
function reserveNames({ dylib, tables, resolution }: LinkJob): void {
  let names = 0;
  let bytes = 0;
  for (const generator of dylib.generators) {
    const place = generator.kind === "archive" ? generator.archive.indexPlace : undefined;
    if (place === undefined) continue;
    names += place.count;
    bytes += place.end - place.position;
  }
  tables.pool.reserve(2 * names, 2 * bytes);
  resolution.offers.reserve(names);
  resolution.fit(2 * names);
}

/** Opens the queue of files whose sections the job's threads read. */
function openQueue({ threads, inputBytes, tables }: LinkJob): SectionQueue | undefined {
  const fast = kernel();
  if (threads === undefined || fast === undefined || tables.columns.record === undefined) return undefined;
  // Room for everything, so that the columns stay where they are: an object has a section for 150 bytes, hardly ever more.
  tables.sections.reserve(Math.min(Math.ceil(inputBytes / BYTES_PER_SECTION), 2 ** 22));
  const queue = new SectionQueue(tables, fast, threads);
  tables.queue = queue;
  tables.sections.beforeMove = () => queue.drain();
  return queue;
}
