import { dirname, isAbsolute, join } from "node:path";
import { hex } from "../bytes/address.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import { SlablinkError } from "../errors.ts";
import { HEADER_SIZE, MAGIC_SIZE, quote, readHeader } from "./archive-header.ts";
import { type ArchiveIndex, type IndexPlace, placeOfGnuIndex, readBsdIndex, readGnuIndex } from "./archive-index.ts";
import { ArchiveMember } from "./archive-member.ts";
import { type MemberName, type NameTable, readMemberName, type SpecialMember, specialMember } from "./archive-name.ts";

/** Opens the file of a thin archive's member; the host decides how (read or mapped). */
export type OpenFile = (path: string) => ByteReader;

/**
 * An `ar` archive, read in place: System V/GNU, BSD and COFF spellings, with a 32-bit or 64-bit index or none, and
 * GNU thin archives, which hold only paths. Members are windows on the archive's own bytes.
 *
 *     "!<arch>\n"  [index]  [name table]  { header (60 bytes)  data  [padding to an even offset] }
 */
export class Archive {
  /** All of its bytes. */
  readonly reader: ByteReader;
  /** What errors call it; a thin archive's members are found relative to its directory. */
  readonly file: string;
  /** Its members are files of their own (`!<thin>`). */
  readonly thin: boolean;
  readonly #open: OpenFile | undefined;
  readonly #members = new Map<number, ArchiveMember>();
  readonly #nested = new Map<string, Archive>();
  #names: NameTable | undefined;
  #indexMember: { kind: SpecialMember; offset: number; size: number } | undefined;
  #index: ArchiveIndex | undefined;
  #firstMember = MAGIC_SIZE;

  private constructor(reader: ByteReader, thin: boolean, open: OpenFile | undefined) {
    this.reader = reader;
    this.file = reader.name;
    this.thin = thin;
    this.#open = open;
  }

  /**
   * Reads the magic and the special members in front; the index itself is parsed when it is first asked for.
   * `open` reads the files of a thin archive. Throws ObjectFormatError.
   */
  static read(reader: ByteReader, open?: OpenFile): Archive {
    const magic = String.fromCharCode(...reader.bytes(0, Math.min(MAGIC_SIZE, reader.length), "magic"));
    if (magic !== "!<arch>\n" && magic !== "!<thin>\n") {
      reader.fail(`the magic is ${JSON.stringify(magic)}, expected "!<arch>\\n" or "!<thin>\\n"`);
    }
    const archive = new Archive(reader, magic === "!<thin>\n", open);
    archive.#readSpecialMembers();
    return archive;
  }

  /** Its symbol index, in place; undefined when the archive has none (`ar rcS`): scan the members' symbol tables. */
  get index(): ArchiveIndex | undefined {
    if (this.#index === undefined && this.#indexMember !== undefined) {
      const { kind, offset, size } = this.#indexMember;
      const word = kind === "gnu-index-64" || kind === "bsd-index-64" ? 8 : 4;
      const read = kind === "bsd-index" || kind === "bsd-index-64" ? readBsdIndex : readGnuIndex;
      this.#index = read(this.reader, offset, size, word);
    }
    return this.#index;
  }

  /** @internal Where the index is, for a reader that needs no arrays of it; undefined unless it has the GNU form. */
  get indexPlace(): IndexPlace | undefined {
    if (this.#indexMember === undefined) return undefined;
    const { kind, offset, size } = this.#indexMember;
    if (kind !== "gnu-index" && kind !== "gnu-index-64") return undefined;
    return placeOfGnuIndex(this.reader, offset, size, kind === "gnu-index-64" ? 8 : 4);
  }

  /** @internal The table of long names; undefined when there is none. */
  get names(): NameTable | undefined {
    return this.#names;
  }

  /** All members in file order, without the index and the name table. */
  *members(): Generator<ArchiveMember, void, undefined> {
    let at = this.#firstMember;
    while (at < this.reader.length) {
      const header = this.#readHeader(at);
      if (header.special === undefined) yield this.#memberOf(header);
      at = header.next;
    }
  }

  /** The member whose header is at `headerOffset`, as the index has it; the same object every time. */
  memberAt(headerOffset: number): ArchiveMember {
    const known = this.#members.get(headerOffset);
    if (known !== undefined) return known;
    const header = this.#readHeader(headerOffset);
    if (header.special !== undefined) {
      this.reader.fail(`the index refers to ${hex(headerOffset)}, where ${header.name.text} is, expected a member`);
    }
    return this.#memberOf(header);
  }

  /** @internal For {@link ArchiveMember.window}. */
  windowOf(member: ArchiveMember): ByteReader {
    const name = `${this.file}(${member.name})`;
    if (member.path === undefined) return this.reader.window(member.dataOffset, member.size, "member", name);
    const open = this.#open;
    if (open === undefined) this.reader.fail(`thin archive: no way was given to open its member ${member.path}`);
    if (member.nestedOffset >= 0) return this.#nestedArchive(member.path, open).memberAt(member.nestedOffset).window();
    const file = this.#openMember(open, member.path);
    return file.window(0, file.length, "member", name);
  }

  #openMember(open: OpenFile, path: string): ByteReader {
    try {
      return open(path);
    } catch (error) {
      if (!(error instanceof SlablinkError)) throw error;
      throw new SlablinkError(error.code, `${this.file}: thin archive: ${error.message}`, { cause: error });
    }
  }

  #nestedArchive(path: string, open: OpenFile): Archive {
    let nested = this.#nested.get(path);
    if (nested === undefined) {
      nested = Archive.read(this.#openMember(open, path), open);
      // ar flattens thin archives into the outer one; refusing them here also rules out archives that hold each other.
      if (nested.thin) this.reader.fail(`the nested archive ${path} is thin, expected an ordinary one`);
      this.#nested.set(path, nested);
    }
    return nested;
  }

  #readSpecialMembers(): void {
    let at = MAGIC_SIZE;
    while (at < this.reader.length) {
      const { special, dataOffset, size, next } = this.#readHeader(at);
      if (special === undefined) break;
      if (special === "name-table") this.#names ??= { offset: dataOffset, size };
      // A COFF archive has two: the first linker member is GNU's, the second repeats it sorted.
      else if (special !== "ignored") this.#indexMember ??= { kind: special, offset: dataOffset, size };
      at = next;
    }
    this.#firstMember = at;
  }

  #readHeader(offset: number): HeaderFields {
    const { reader } = this;
    const size = readHeader(reader, offset);
    const name = readMemberName(reader, offset, size, this.#names);
    const special = specialMember(name.text);
    const stored = special !== undefined || !this.thin ? size : 0;
    if (name.inlineSize > stored) reader.fail(`a thin archive has a BSD name at ${hex(offset)}, expected GNU names`);
    if (name.nestedOffset >= 0 && !this.thin) {
      const field = quote(reader.bytes(offset, 16, "member name"));
      reader.fail(`the member at ${hex(offset)} is named ${field}; only thin archives refer to nested ones`);
    }
    const end = offset + HEADER_SIZE + stored;
    if (end > reader.length) {
      const rest = reader.length - offset - HEADER_SIZE;
      const error = reader.window(0, 0, "member", `${this.file}(${name.text})`);
      error.fail(`member size ${hex(size)} at ${hex(offset + 48)} is beyond the archive's end, ${hex(rest)} bytes on`);
    }
    return {
      name,
      special,
      offset,
      dataOffset: offset + HEADER_SIZE + name.inlineSize,
      size: size - name.inlineSize,
      next: end + (end % 2),
    };
  }

  #memberOf(header: HeaderFields): ArchiveMember {
    const { name, offset, dataOffset, size } = header;
    let member = this.#members.get(offset);
    if (member === undefined) {
      const path = this.thin ? resolvePath(this.file, name.text) : undefined;
      const { text, nestedOffset } = name;
      member = new ArchiveMember(this, { name: text, headerOffset: offset, dataOffset, size, path, nestedOffset });
      this.#members.set(offset, member);
    }
    return member;
  }
}

/** A header and what follows from it; `next` is where the next header is. */
interface HeaderFields {
  readonly name: MemberName;
  readonly special: SpecialMember | undefined;
  readonly offset: number;
  readonly dataOffset: number;
  readonly size: number;
  readonly next: number;
}

function resolvePath(archive: string, member: string): string {
  return isAbsolute(member) ? member : join(dirname(archive), member);
}
