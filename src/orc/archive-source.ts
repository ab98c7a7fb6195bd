import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Archive } from "../formats/archive.ts";
import { type IndexPlace, memberOffsetAt } from "../formats/archive-index.ts";
import type { ArchiveMember } from "../formats/archive-member.ts";
import { buildLinkGraph } from "../formats/elf/build-link-graph.ts";
import { definedNames } from "../formats/elf/defined-names.ts";
import { readObject } from "../formats/elf/read-object.ts";
import { namesOfDefaultVersion, VERSION_MARK } from "../formats/elf/symbol-versions.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { checkObject } from "../inputs/check-object.ts";
import type { Looping } from "../kernel/loop.ts";
import type { SharedLibraryGenerator } from "./definition-generator.ts";
import type { LazySource, Offers } from "./offers.ts";

/** Whether a member may be linked for the sake of a name. */
export type MemberFilter = (name: string, member: ArchiveMember, inside: boolean) => boolean;

/** What is special about an archive in a job. */
export interface ArchiveSourceOptions {
  /** Shared libraries that come before the archive in the order of the link, and so define first. */
  readonly librariesBefore?: readonly SharedLibraryGenerator[];
  /** Members that it refuses are left alone. */
  readonly accepts?: MemberFilter | undefined;
  /** Gives what is to be read in place of a member. */
  readonly rewrite?: ((reader: ByteReader) => ByteReader) | undefined;
}

/** The members of an archive as lazy definitions: interned by the archive's index, or by the members' own symbol tables. */
export class ArchiveSource implements LazySource {
  readonly archive: Archive;
  readonly #tables: GraphTables;
  readonly #librariesBefore: readonly SharedLibraryGenerator[];
  readonly #accepts: MemberFilter | undefined;
  readonly #rewrite: ArchiveSourceOptions["rewrite"];
  /** Set when it offers what it has. */
  #offers: Offers | undefined;
  /** Where the kernel has read the index. */
  #place: IndexPlace | undefined;
  /** Without an index: the member of each offered name. */
  readonly #members: ArchiveMember[] = [];
  /** What members define beyond commons, where that was asked: a member of thousands of commons is asked about each. */
  readonly #definitions = new Map<ArchiveMember, ReadonlySet<number>>();

  constructor(archive: Archive, tables: GraphTables, options: ArchiveSourceOptions = {}) {
    this.archive = archive;
    this.#accepts = options.accepts;
    this.#librariesBefore = options.librariesBefore ?? [];
    this.#rewrite = options.rewrite;
    this.#tables = tables;
  }

  /** Tells what this archive can define; gives the number that it is visited by. */
  *offerTo(offers: Offers, group = 0): Looping<number> {
    this.#offers = offers;
    const source = offers.addSource(this, group);
    const { pool } = this.#tables;
    const place = this.archive.indexPlace;
    if (place !== undefined && (yield* offers.addIndex(source, place))) {
      this.#place = place;
      const isPlain = this.#accepts === undefined && this.#rewrite === undefined && this.#librariesBefore.length === 0;
      if (isPlain && !this.archive.thin) {
        offers.letTake(source, { index: place, names: this.archive.names });
      }
      return source;
    }
    const index = this.archive.index;
    if (index === undefined) {
      for (const member of this.archive.members()) {
        for (const id of definedNames(member.window(), pool)) {
          const entry = this.#members.push(member) - 1;
          offers.add(id, source, entry);
          const [name, versioned] = namesOfDefaultVersion(pool, id);
          if (name !== undefined) offers.add(name, source, entry);
          if (versioned !== undefined) offers.add(versioned, source, entry);
        }
      }
      return source;
    }
    const { nameStart, nameLength, count, reader } = index;
    const { view } = reader;
    const mayHaveVersions = index.holds(VERSION_MARK);
    for (let i = 0; i < count; i++) {
      const start = nameStart[i]!;
      const id = pool.intern(view, start, start + nameLength[i]! + 1);
      offers.add(id, source, i);
      if (!mayHaveVersions) continue;
      const [name, versioned] = namesOfDefaultVersion(pool, id);
      if (name !== undefined) offers.add(name, source, i);
      if (versioned !== undefined) offers.add(versioned, source, i);
    }
    return source;
  }

  extract(entry: number, id: number, inside: boolean): LinkGraph | undefined {
    if (!inside && this.#librariesBefore.length > 0) {
      const name = this.#tables.pool.name(id);
      if (this.#librariesBefore.some(({ library }) => library.lookup(name)?.isDefaultVersion)) return undefined;
    }
    const member = this.#memberOf(entry);
    if (this.#accepts?.(this.#tables.pool.name(id), member, inside) === false) return undefined;
    return this.#offers!.take(member) ? this.#link(member) : undefined;
  }

  isDefinition(entry: number, id: number): boolean {
    const member = this.#memberOf(entry);
    let definitions = this.#definitions.get(member);
    if (definitions === undefined) {
      definitions = new Set(definedNames(member.window(), this.#tables.pool, { commons: false }));
      this.#definitions.set(member, definitions);
    }
    return definitions.has(id);
  }

  /** Links every member, of an archive that is linked as a whole. */
  *extractAll(): Generator<LinkGraph, void, undefined> {
    for (const member of this.archive.members()) yield this.#link(member);
  }

  #memberOf(entry: number): ArchiveMember {
    if (this.#place !== undefined) return this.archive.memberAt(memberOffsetAt(this.#place, entry));
    const index = this.archive.index;
    return index === undefined ? this.#members[entry]! : this.archive.memberAt(index.memberOffset[entry]!);
  }

  /** The file of the member whose header is at `headerOffset`. */
  fileAt(headerOffset: number): ByteReader {
    return this.archive.memberAt(headerOffset).window();
  }

  #link(member: ArchiveMember): LinkGraph {
    const reader = this.#rewrite?.(member.window()) ?? member.window();
    const graph = readObject(this.#tables, reader);
    if (graph !== undefined) return graph;
    checkObject(reader);
    return buildLinkGraph(this.#tables, reader);
  }
}
