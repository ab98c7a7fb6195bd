import { ArchiveBytes } from "../formats/archive-fixture.ts";

/** A file for an archive, and the names that the index lists for it. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly symbols: readonly string[];
}

/** The ways of writing an archive down: GNU's with names in a table or in the headers, with words of 64 bits, BSD's, and so on. */
export const archiveForms = ["gnu", "gnu, short names", "gnu, 64-bit index", "bsd", "no index", "thin"] as const;
export type ArchiveForm = (typeof archiveForms)[number];

/** The archive of `members` in their order; the members of a thin one are files of their own. */
export function archiveBytes(members: readonly Member[], form: ArchiveForm): Buffer {
  const nowhere = members.map(() => 0);
  return write(members, form, write(members, form, nowhere).offsets).bytes;
}

/** Writes an archive whose index says that the members are at `offsets`, and tells where they are. */
function write(
  members: readonly Member[],
  form: ArchiveForm,
  offsets: readonly number[],
): { bytes: Buffer; offsets: number[] } {
  const archive = new ArchiveBytes(form === "thin" ? "!<thin>\n" : "!<arch>\n");
  const entries = members.flatMap(({ symbols }, i) => symbols.map((symbol) => ({ symbol, offset: offsets[i]! })));
  if (form === "bsd") archive.member("__.SYMDEF", bsdIndex(entries));
  else if (form === "gnu, 64-bit index") archive.member("/SYM64/", gnuIndex(entries, 8));
  else if (form !== "no index") archive.member("/", gnuIndex(entries, 4));
  const hasTable = form !== "bsd" && form !== "gnu, short names";
  if (hasTable) archive.member("//", members.map(({ name }) => `${name}/\n`).join(""));
  let inTable = 0;
  const places = members.map(({ name, bytes }) => {
    const offset = archive.length;
    if (form === "thin") archive.header(`/${inTable}`, String(bytes.length));
    else if (hasTable) archive.member(`/${inTable}`, bytes);
    else if (form === "gnu, short names") archive.member(`${name.slice(-15)}/`, bytes);
    else archive.member(`#1/${name.length}`, Buffer.concat([Buffer.from(name), bytes]));
    inTable += name.length + 2;
    return offset;
  });
  return { bytes: archive.bytes(), offsets: places };
}

interface IndexEntry {
  readonly symbol: string;
  readonly offset: number;
}

function gnuIndex(entries: readonly IndexEntry[], word: 4 | 8): Buffer {
  const table = Buffer.alloc(word * (1 + entries.length));
  [entries.length, ...entries.map(({ offset }) => offset)].forEach((value, i) => {
    table.writeUInt32BE(value, word * i + word - 4);
  });
  return Buffer.concat([table, Buffer.from(entries.map(({ symbol }) => `${symbol}\0`).join(""))]);
}

function bsdIndex(entries: readonly IndexEntry[]): Buffer {
  const strings = entries.map(({ symbol }) => `${symbol}\0`);
  const table = Buffer.alloc(4 + 8 * entries.length + 4);
  table.writeUInt32LE(8 * entries.length, 0);
  let at = 0;
  entries.forEach(({ offset }, i) => {
    table.writeUInt32LE(at, 4 + 8 * i);
    table.writeUInt32LE(offset, 8 + 8 * i);
    at += strings[i]!.length;
  });
  table.writeUInt32LE(at, table.length - 4);
  return Buffer.concat([table, Buffer.from(strings.join(""))]);
}
