import { hex } from "../bytes/address.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import { HEADER_SIZE, NAME_WIDTH, quote, readDecimal } from "./archive-header.ts";

/**
 * The ways an archive spells a member's name in its 16 characters:
 *
 *     "a.o/            "  GNU: ends with a slash (names may hold spaces)
 *     "a.o             "  BSD: ends with spaces
 *     "/123            "  GNU, COFF: at byte 123 of the name table, the member "//"; ends there with "/\n", "\n" or NUL
 *     "/123:456        "  thin only: the member at header offset 456 of the archive whose path stands at 123
 *     "#1/20           "  BSD: the first 20 bytes of the data, filled up with NULs
 *     "/", "/SYM64/", "//", "__.SYMDEF", …  not members: the index and the name table
 */
export interface MemberName {
  readonly text: string;
  /** Bytes that the name takes from the front of the member's data (BSD long names); otherwise 0. */
  readonly inlineSize: number;
  /** Thin archives: header offset of the member in the nested archive `text`; otherwise -1. */
  readonly nestedOffset: number;
}

/** Where the name table's bytes are. */
export interface NameTable {
  readonly offset: number;
  readonly size: number;
}

/** What the members that are no object files hold. */
export type SpecialMember = "gnu-index" | "gnu-index-64" | "bsd-index" | "bsd-index-64" | "name-table" | "ignored";

const SPECIAL = new Map<string, SpecialMember>([
  ["/", "gnu-index"],
  ["/SYM64/", "gnu-index-64"],
  ["//", "name-table"],
  ["/<ECSYMBOLS>/", "ignored"], // a third index for ARM64EC, in COFF archives
  ["/<HYBRIDMAP>/", "ignored"],
  ["__.SYMDEF", "bsd-index"],
  ["__.SYMDEF SORTED", "bsd-index"],
  ["__.SYMDEF_64", "bsd-index-64"],
  ["__.SYMDEF_64 SORTED", "bsd-index-64"],
]);

/** Longer names than this (Linux's PATH_MAX) are taken for damage; it bounds the search for their end. */
const LONGEST_NAME = 4096;

const SLASH = 0x2f;
const COLON = 0x3a;
const decoder = new TextDecoder();

/** Reads the name of the member whose header is at `offset` and whose size field says `size`. */
export function readMemberName(
  archive: ByteReader,
  offset: number,
  size: number,
  names: NameTable | undefined,
): MemberName {
  const field = archive.bytes(offset, NAME_WIDTH, "member name");
  if (field[0] === SLASH && isDigit(field[1])) return tableName(archive, offset, field, names);
  if (field[0] === 0x23 && field[1] === 0x31 && field[2] === SLASH) return inlineName(archive, offset, size);
  let end = NAME_WIDTH;
  while (end > 0 && field[end - 1] === 0x20) end--;
  if (end === 0) archive.fail(`the member header at ${hex(offset)} has an empty name`);
  // GNU's closing slash goes, but not that of a special member's name ("/", "//", "/SYM64/").
  if (end > 1 && field[end - 1] === SLASH && field[0] !== SLASH) end--;
  return { text: decoder.decode(field.subarray(0, end)), inlineSize: 0, nestedOffset: -1 };
}

/** What kind of special member bears this name; undefined for an ordinary one. */
export function specialMember(name: string): SpecialMember | undefined {
  return SPECIAL.get(name);
}

/** BSD `#1/N`. */
function inlineName(archive: ByteReader, offset: number, size: number): MemberName {
  const inlineSize = readDecimal(archive, offset + 3, NAME_WIDTH - 3, "length of a BSD member name");
  if (inlineSize > size) {
    archive.fail(`the name of the member at ${hex(offset)} has ${inlineSize} bytes, its data only ${size}`);
  }
  if (inlineSize > LONGEST_NAME) nameTooLong(archive, offset, inlineSize);
  const bytes = archive.bytes(offset + HEADER_SIZE, inlineSize, "BSD member name");
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return { text: decoder.decode(bytes.subarray(0, end)), inlineSize, nestedOffset: -1 };
}

/** GNU `/N` and `/N:M`. */
function tableName(archive: ByteReader, offset: number, field: Uint8Array, names: NameTable | undefined): MemberName {
  if (names === undefined) {
    archive.fail(`the member at ${hex(offset)} is named ${quote(field)}, but there is no name table "//" before it`);
  }
  const at = readDecimal(archive, offset + 1, NAME_WIDTH - 1, "reference to the name table", COLON);
  const colon = field.indexOf(COLON);
  const nestedOffset =
    colon < 0
      ? -1
      : readDecimal(archive, offset + colon + 1, NAME_WIDTH - colon - 1, "offset of a member in a nested archive");
  if (at >= names.size) {
    archive.fail(`the member at ${hex(offset)} has its name at ${hex(at)} of a name table of ${hex(names.size)} bytes`);
  }
  const table = archive.bytes(names.offset, names.size, "name table");
  const limit = Math.min(table.length, at + LONGEST_NAME);
  let end = at;
  while (end < limit && table[end] !== 0x0a && table[end] !== 0) end++;
  if (end === limit && limit < table.length) nameTooLong(archive, offset, limit - at);
  if (end === table.length) {
    archive.fail(`the name at ${hex(at)} of the name table does not end before its end at ${hex(names.size)}`);
  }
  if (end > at && table[end - 1] === SLASH) end--;
  return { text: decoder.decode(table.subarray(at, end)), inlineSize: 0, nestedOffset };
}

function nameTooLong(archive: ByteReader, offset: number, length: number): never {
  archive.fail(
    `the name of the member at ${hex(offset)} has ${length} bytes or more, expected at most ${LONGEST_NAME}`,
  );
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
