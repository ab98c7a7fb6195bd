import type { ByteReader } from "../bytes/byte-reader.ts";

/** One file of an archive. Its bytes are a window on the archive's, or, in a thin archive, a file of their own. */
export class ArchiveMember {
  /** @internal */
  readonly archive: MemberSource;
  /** As the archive spells it; for a thin archive's member its path, as written there. */
  readonly name: string;
  /** Where its header is in the archive: its identity, and what the index refers to. */
  readonly headerOffset: number;
  /** Where its data is in the archive (behind a BSD long name); in a thin archive, where the next header is. */
  readonly dataOffset: number;
  /** Size of its data in bytes; in a thin archive, what the file had when the archive was made. */
  readonly size: number;
  /** Thin archives: the file that holds the member, resolved against the archive's directory. */
  readonly path: string | undefined;
  /** Thin archives: `path` is an archive in its turn and the member is at this header offset there; otherwise -1. */
  readonly nestedOffset: number;

  constructor(archive: MemberSource, fields: MemberFields) {
    this.archive = archive;
    this.name = fields.name;
    this.headerOffset = fields.headerOffset;
    this.dataOffset = fields.dataOffset;
    this.size = fields.size;
    this.path = fields.path;
    this.nestedOffset = fields.nestedOffset;
  }

  /** The member's bytes, never a copy, named `archive.a(member.o)` in errors; opens the file in a thin archive. */
  window(): ByteReader {
    return this.archive.windowOf(this);
  }
}

/** What a member needs of its archive. */
export interface MemberSource {
  readonly reader: ByteReader;
  windowOf(member: ArchiveMember): ByteReader;
}

/** What {@link Archive} knows of a member. */
export interface MemberFields {
  readonly name: string;
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly size: number;
  readonly path: string | undefined;
  readonly nestedOffset: number;
}
