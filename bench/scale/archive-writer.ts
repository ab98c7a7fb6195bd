// Writes `ar` archives as GNU ar does (System V with a name table), with an index of the symbols that it is told.

/** A file for an archive, and the names that its index lists for it. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly symbols: readonly string[];
}

const HEADER_SIZE = 60;

/** The archive of `members`, in their order. */
export function archiveOf(members: readonly Member[]): Uint8Array {
  const names = Buffer.from(members.map(({ name }) => `${name}/\n`).join(""), "latin1");
  const count = members.reduce((sum, { symbols }) => sum + symbols.length, 0);
  const strings = Buffer.from(members.flatMap(({ symbols }) => symbols.map((name) => `${name}\0`)).join(""), "latin1");
  const index = 4 + 4 * count + strings.length;
  let at = 8 + HEADER_SIZE + even(index) + HEADER_SIZE + even(names.length);
  const offsets = members.map(({ bytes }) => {
    const offset = at;
    at += HEADER_SIZE + even(bytes.length);
    return offset;
  });
  const archive = Buffer.alloc(at, "\n", "latin1");
  archive.write("!<arch>\n", 0, "latin1");
  writeHeader(archive, 8, "/", index);
  let out = 8 + HEADER_SIZE;
  out = archive.writeUInt32BE(count, out);
  members.forEach(({ symbols }, i) => {
    for (let k = 0; k < symbols.length; k++) out = archive.writeUInt32BE(offsets[i]!, out);
  });
  archive.set(strings, out);
  const table = 8 + HEADER_SIZE + even(index);
  writeHeader(archive, table, "//", names.length);
  archive.set(names, table + HEADER_SIZE);
  let name = 0;
  members.forEach((member, i) => {
    writeHeader(archive, offsets[i]!, `/${name}`, member.bytes.length);
    archive.set(member.bytes, offsets[i]! + HEADER_SIZE);
    name += member.name.length + 2;
  });
  return archive;
}

function writeHeader(archive: Buffer, at: number, name: string, size: number): void {
  const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "644".padEnd(8), `${size}`.padEnd(10)];
  archive.write(`${fields.join("")}\`\n`, at, "latin1");
}

function even(size: number): number {
  return size + (size % 2);
}
