import { damage } from "./mutants.ts";
import type { GivenArchive } from "./random-archives.ts";

const HEADER_SIZE = 60;

/** A header and the data behind it, by offset in the archive. */
interface Part {
  readonly header: number;
  readonly data: number;
  readonly size: number;
}

/** Damages an archive (GNU's form): headers, index, table of names and members, most of it with values that mean something. */
export function damageArchive(archive: GivenArchive, random: () => number): GivenArchive {
  const bytes = Buffer.from(archive.bytes);
  const parts = partsOf(bytes);
  const [index, ...others] = parts;
  const table = others.find(({ header }) => bytes[header] === 0x2f && bytes[header + 1] === 0x2f);
  const members = others.filter((part) => part !== table);
  for (let n = 1 + (random() % 2); n > 0; n--) {
    const choice = random() % 10;
    if (choice < 3) damageHeader(bytes, parts[random() % parts.length]!.header, random);
    else if (choice < 6) damageIndex(bytes, index!, parts, random);
    else if (choice < 7 && table !== undefined) {
      bytes[table.data + (random() % table.size)] = pick([0x0a, 0, 0x2f, 0x20], random);
    } else {
      const { data, size } = members[random() % members.length]!;
      bytes.set(damage(bytes.subarray(data, data + size), random), data);
    }
  }
  // Now and then the end is missing.
  return { ...archive, bytes: random() % 20 === 0 ? bytes.subarray(0, random() % bytes.length) : bytes };
}

function partsOf(bytes: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 8; at < bytes.length; ) {
    const size = Number.parseInt(bytes.toString("latin1", at + 48, at + 58), 10);
    parts.push({ header: at, data: at + HEADER_SIZE, size });
    at += HEADER_SIZE + size + (size % 2);
  }
  return parts;
}

function damageHeader(bytes: Buffer, header: number, random: () => number): void {
  const [offset, width] = pick(
    [
      [0, 16],
      [48, 10],
      [58, 2],
    ] as const,
    random,
  );
  if (random() % 2 === 0) {
    bytes[header + offset + (random() % width)] = pick([0, 0x20, 0x2f, 0x30, 0x39, 0x3a, 0x23, 0x0a, 0xff], random);
    return;
  }
  const texts = offset === 0 ? names : sizes;
  bytes.write(pick(texts, random).padEnd(width).slice(0, width), header + offset, "latin1");
}

const names = [
  "/",
  "//",
  "/SYM64/",
  "/0",
  "/3",
  "/99999",
  "/0:8",
  "#1/4",
  "#1/400",
  "",
  " a.o/",
  "a b.o/",
  "__.SYMDEF",
];
const sizes = ["", "0", "1", "63", "64", "9999999999", "4294967295", "-1", "12 4", "0x40", "100\0"];

/** Words of the index, and the bytes of its names. */
function damageIndex(bytes: Buffer, { header, data, size }: Part, parts: readonly Part[], random: () => number): void {
  const word = bytes.toString("latin1", header, header + 7) === "/SYM64/" ? 8 : 4;
  const count = bytes.readUInt32BE(data + word - 4);
  const choice = random() % 4;
  if (choice === 0) {
    const value = pick([0, 1, count - 1, count + 1, count * 2, 0x7fff_ffff, 0xffff_ffff], random);
    bytes.writeUInt32BE(value >>> 0, data + word - 4);
  } else if (choice < 3) {
    const { header: other } = pick(parts, random);
    const value = pick(
      [other, other, other + 1, other + 2, 0, 8, bytes.length - 59, bytes.length - 60, 0x8000_0000],
      random,
    );
    const entry = data + word * (1 + (random() % Math.max(1, count)));
    if (entry + word <= data + size) bytes.writeUInt32BE(value >>> 0, entry + word - 4);
    if (word === 8 && random() % 4 === 0) bytes.writeUInt32BE(pick([1, 0x20_0000, 0xffff_ffff], random), entry);
  } else {
    const strings = word * (1 + count);
    bytes[data + strings + (random() % Math.max(1, size - strings))] = pick([0, 0x40, 0x61, 0xff], random);
  }
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[random() % from.length]!;
}
