import { hex } from "../bytes/address.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import { HEADER_SIZE, MAGIC_SIZE } from "./archive-header.ts";

/**
 * An archive's symbol index: which member defines which symbol. Packed, since big links see hundreds of thousands of
 * entries and resolve few: entry `i` is a name (bytes in place, no string) and the header offset of its member.
 */
export class ArchiveIndex {
  /** The archive's window; `nameStart` counts in its `view`. */
  readonly reader: ByteReader;
  /** Number of entries. */
  readonly count: number;
  /** Absolute position of each name in `reader.view` (not relative to `reader.start`). */
  readonly nameStart: Int32Array;
  /** Length of each name in bytes, without the NUL. */
  readonly nameLength: Int32Array;
  /** Offset in the archive of the header of the member that defines the name; for {@link Archive.memberAt}. */
  readonly memberOffset: Float64Array;

  /** Where the names are in `reader.view`. */
  namesStart = 0;
  /** Where the names end there. */
  namesEnd = 0;

  constructor(reader: ByteReader, count: number) {
    this.reader = reader;
    this.count = count;
    this.nameStart = new Int32Array(count);
    this.nameLength = new Int32Array(count);
    this.memberOffset = new Float64Array(count);
  }

  /** Whether some name may hold this byte. */
  holds(byte: number): boolean {
    const { view } = this.reader;
    const { namesStart, namesEnd } = this;
    return new Uint8Array(view.buffer, view.byteOffset + namesStart, namesEnd - namesStart).includes(byte);
  }

  /** Whether the index has the name: a search through its bytes, for few questions. */
  has(name: string): boolean {
    const { view } = this.reader;
    const { namesStart, namesEnd } = this;
    const names = Buffer.from(view.buffer, view.byteOffset + namesStart, namesEnd - namesStart);
    const wanted = `${name}\0`;
    let at = names.indexOf(wanted);
    while (at > 0 && names[at - 1] !== 0) at = names.indexOf(wanted, at + 1);
    return at >= 0;
  }

  /** The name of entry `i` as a string, for people; look-ups compare bytes. */
  nameAt(i: number): string {
    const { view } = this.reader;
    return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + this.nameStart[i], this.nameLength[i]));
  }
}

const decoder = new TextDecoder();

/** Where the index of an archive is, in the GNU form: `count` big-endian words at `position` of the reader's view, then the names up to `end`. */
export interface IndexPlace {
  readonly reader: ByteReader;
  readonly position: number;
  readonly count: number;
  readonly word: 4 | 8;
  readonly end: number;
}

/** Finds the table and the names of a GNU index, with nothing in them checked; undefined when they do not fit. */
export function placeOfGnuIndex(
  archive: ByteReader,
  offset: number,
  size: number,
  word: 4 | 8,
): IndexPlace | undefined {
  if (size < word) return undefined;
  const count = bigEndian(archive, offset, word);
  if (count > (size - word) / (word + 1)) return undefined;
  const position = archive.start + offset + word;
  return { reader: archive, position, count, word, end: archive.start + offset + size };
}

/** Offset in the archive of the header of the member that entry `i` refers to. */
export function memberOffsetAt({ reader, position, word }: IndexPlace, i: number): number {
  return bigEndian(reader, position + word * i - reader.start, word);
}

/**
 * GNU and System V (`/`, word = 4) and their 64-bit form (`/SYM64/`, word = 8), big-endian: a count, that many member
 * offsets, then that many names, each closed by a NUL, in the same order.
 */
export function readGnuIndex(archive: ByteReader, offset: number, size: number, word: 4 | 8): ArchiveIndex {
  if (size < word) archive.fail(`the index at ${hex(offset)} has ${size} bytes, expected at least ${word}`);
  const count = bigEndian(archive, offset, word);
  // Each entry takes an offset and at least the NUL of its name.
  checkCount(archive, offset, count, size - word, word + 1);
  const index = new ArchiveIndex(archive, count);
  const { view, start } = archive;
  const { memberOffset } = index;
  const table = start + offset + word;
  if (word === 4) {
    for (let i = 0; i < count; i++) memberOffset[i] = view.getUint32(table + 4 * i, false);
  } else {
    for (let i = 0; i < count; i++) memberOffset[i] = bigEndian(archive, offset + 8 + 8 * i, 8);
  }
  checkMemberOffsets(index);

  const { nameStart, nameLength } = index;
  const end = checkedEnd(archive, start + offset + size);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, end);
  let at = table + word * count;
  index.namesStart = at;
  index.namesEnd = end;
  for (let i = 0; i < count; i++) {
    const from = at;
    while (at < end && bytes[at] !== 0) at++;
    if (at === end) {
      archive.fail(
        `the name of index entry ${i} of ${count}, at ${hex(from - start)}, has no NUL before the index ends at ${hex(end - start)}`,
      );
    }
    nameStart[i] = from;
    nameLength[i] = at - from;
    at++;
  }
  return index;
}

/**
 * BSD (`__.SYMDEF`, word = 4; `__.SYMDEF_64`, word = 8), little-endian here since the objects are: the size in bytes
 * of the ranlib table, its entries {offset into the strings, member offset}, the size of the strings, the strings.
 */
export function readBsdIndex(archive: ByteReader, offset: number, size: number, word: 4 | 8): ArchiveIndex {
  if (size < 2 * word) archive.fail(`the index at ${hex(offset)} has ${size} bytes, expected at least ${2 * word}`);
  const read = (at: number, field: string) => (word === 4 ? archive.u32(at, field) : archive.u64(at, field));
  const tableSize = read(offset, "size of the index's entries");
  if (tableSize % (2 * word) !== 0 || tableSize > size - 2 * word) {
    archive.fail(
      `the index's entries at ${hex(offset)} take ${hex(tableSize)} bytes, expected a multiple of ${2 * word} up to ${hex(size - 2 * word)}`,
    );
  }
  const table = offset + word;
  const strings = table + tableSize + word;
  const stringsSize = read(table + tableSize, "size of the index's names");
  if (stringsSize > offset + size - strings) {
    archive.fail(
      `the index's names at ${hex(strings)} take ${hex(stringsSize)} bytes, expected at most ${hex(offset + size - strings)}`,
    );
  }
  const count = tableSize / (2 * word);
  const index = new ArchiveIndex(archive, count);
  const { nameStart, nameLength, memberOffset } = index;
  index.namesStart = archive.start + strings;
  index.namesEnd = checkedEnd(archive, archive.start + strings + stringsSize);
  const ends = nulPositions(archive.bytes(strings, stringsSize, "index names"));
  for (let i = 0; i < count; i++) {
    const name = read(table + 2 * word * i, "offset of a name in the index");
    const nul = name < stringsSize ? ends[firstAtLeast(ends, name)] : undefined;
    if (nul === undefined) {
      archive.fail(
        `index entry ${i} of ${count} has its name at ${hex(name)}; no name ends there in ${hex(stringsSize)} bytes of names`,
      );
    }
    nameStart[i] = archive.start + strings + name;
    nameLength[i] = nul - name;
    memberOffset[i] = read(table + 2 * word * i + word, "member offset in the index");
  }
  checkMemberOffsets(index);
  return index;
}

function checkCount(archive: ByteReader, offset: number, count: number, room: number, entry: number): void {
  if (count > room / entry) {
    archive.fail(
      `the index at ${hex(offset)} says ${count} entries; its ${room} bytes hold at most ${Math.floor(room / entry)}`,
    );
  }
}

function checkMemberOffsets(index: ArchiveIndex): void {
  const { reader, count, memberOffset } = index;
  const last = reader.length - HEADER_SIZE;
  for (let i = 0; i < count; i++) {
    const at = memberOffset[i];
    if (!(at >= MAGIC_SIZE && at <= last)) {
      reader.fail(
        `index entry ${i} of ${count} refers to a member at ${hex(at)}, outside the archive of ${hex(reader.length)} bytes`,
      );
    }
  }
}

/** Names are addressed by 32-bit positions. */
function checkedEnd(archive: ByteReader, end: number): number {
  if (end > 0x7fff_ffff)
    archive.fail(`the index ends at position ${hex(end)} of its mapping, expected less than 2 GiB`);
  return end;
}

function bigEndian(archive: ByteReader, offset: number, word: 4 | 8): number {
  archive.check(offset, word, "index word");
  const at = archive.start + offset;
  if (word === 4) return archive.view.getUint32(at, false);
  const high = archive.view.getUint32(at, false);
  if (high >= 0x20_0000) archive.fail(`the index word at ${hex(offset)} is 2^53 or more`);
  return high * 0x1_0000_0000 + archive.view.getUint32(at + 4, false);
}

/** The offsets of all NULs: entries may share or reuse strings, and must not each search for their own end. */
function nulPositions(strings: Uint8Array): Int32Array {
  let count = 0;
  for (let i = 0; i < strings.length; i++) if (strings[i] === 0) count++;
  const positions = new Int32Array(count);
  count = 0;
  for (let i = 0; i < strings.length; i++) if (strings[i] === 0) positions[count++] = i;
  return positions;
}

/** Index of the first element that is not below `value` in an ascending array; its length if there is none. */
function firstAtLeast(ascending: Int32Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
