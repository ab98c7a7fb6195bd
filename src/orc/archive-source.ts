import type { Archive } from "../formats/archive.ts";
import type { ArchiveMember } from "../formats/archive-member.ts";
import { buildLinkGraph } from "../formats/elf/build-link-graph.ts";
import { definedNames } from "../formats/elf/defined-names.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import type { SharedLibraryGenerator } from "./definition-generator.ts";
import type { LazySource, SymbolResolution } from "./symbol-resolution.ts";

/** The members of an archive as lazy definitions: interned by the archive's index, or by the members' own symbol tables. */
export class ArchiveSource implements LazySource {
  readonly archive: Archive;
  readonly #tables: GraphTables;
  readonly #librariesBefore: readonly SharedLibraryGenerator[];
  readonly #extracted = new Set<ArchiveMember>();
  /** Without an index: the member of each offered name. */
  readonly #members: ArchiveMember[] = [];

  /** `librariesBefore`: shared libraries that come before the archive in the order of the link, and so define first. */
  constructor(archive: Archive, tables: GraphTables, librariesBefore: readonly SharedLibraryGenerator[] = []) {
    this.archive = archive;
    this.#librariesBefore = librariesBefore;
    this.#tables = tables;
  }

  /** Tells the resolution what this archive can define. */
  offerTo(resolution: SymbolResolution): void {
    const source = resolution.addLazySource(this);
    const { pool } = this.#tables;
    const index = this.archive.index;
    if (index === undefined) {
      for (const member of this.archive.members()) {
        for (const id of definedNames(member.window(), pool))
          resolution.offer(id, source, this.#members.push(member) - 1);
      }
      return;
    }
    const { nameStart, nameLength, count, reader } = index;
    const { view } = reader;
    for (let i = 0; i < count; i++) {
      const start = nameStart[i]!;
      resolution.offer(pool.intern(view, start, start + nameLength[i]! + 1), source, i);
    }
  }

  extract(entry: number, id: number): LinkGraph | undefined {
    if (this.#librariesBefore.length > 0) {
      const name = this.#tables.pool.name(id);
      if (this.#librariesBefore.some(({ library }) => library.lookup(name)?.isDefaultVersion)) return undefined;
    }
    const index = this.archive.index;
    const member = index === undefined ? this.#members[entry]! : this.archive.memberAt(index.memberOffset[entry]!);
    return this.#link(member);
  }

  /** Links every member that is not linked yet. */
  *extractAll(): Generator<LinkGraph, void, undefined> {
    for (const member of this.archive.members()) {
      const graph = this.#link(member);
      if (graph !== undefined) yield graph;
    }
  }

  #link(member: ArchiveMember): LinkGraph | undefined {
    if (this.#extracted.has(member)) return undefined;
    this.#extracted.add(member);
    return buildLinkGraph(this.#tables, member.window());
  }
}
