// What debug information is looked for in: sections by name, symbols, relocations of an object or a shared library (System V gABI,
// chapter 4). The linker's own reader keeps none of this for sections that are not loaded.

import * as zlib from "node:zlib";
import { ByteReader } from "../bytes/byte-reader.ts";
import * as elf from "../formats/elf/constants.ts";
import { DwarfReader } from "./dwarf-reader.ts";

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const CHDR_SIZE = 24;
/** Larger sections are taken for broken, in bytes. */
const MOST_CONTENTS = 2 ** 30;

/** A section header. */
export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** A symbol of one of the file's tables. */
export interface FileSymbol {
  /** Read when it is asked for. */
  readonly name: () => string;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

/** An ELF64 file of any type. Everything throws, ObjectFormatError or RangeError, where the file is broken. */
export class ElfFile {
  readonly reader: ByteReader;
  readonly type: number;
  readonly sections: readonly Section[];
  /** Where the loadable segments begin: offset in the file, address. */
  readonly loads: readonly { readonly offset: number; readonly address: number; readonly size: number }[];

  readonly #contents = new Map<Section, Uint8Array | undefined>();

  constructor(reader: ByteReader) {
    this.reader = reader;
    this.type = reader.u16(16, "e_type");
    this.sections = readSections(reader);
    this.loads = readLoads(reader);
  }

  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** A section's bytes, decompressed (SHF_COMPRESSED); undefined where this engine cannot. */
  contents(section: Section): Uint8Array | undefined {
    if (!this.#contents.has(section)) this.#contents.set(section, this.#read(section));
    return this.#contents.get(section);
  }

  #read(section: Section): Uint8Array | undefined {
    if (section.type === elf.SHT_NOBITS) return new Uint8Array(0);
    const bytes = this.reader.bytes(section.offset, section.size, section.name);
    return (section.flags & elf.SHF_COMPRESSED) === 0 ? bytes : decompress(bytes);
  }

  /** The symbols of `.symtab`, or where a file has been stripped, of `.dynsym`. */
  *symbols(): Generator<FileSymbol, void, undefined> {
    const table =
      this.sections.find(({ type }) => type === elf.SHT_SYMTAB) ??
      this.sections.find(({ type }) => type === elf.SHT_DYNSYM);
    if (table === undefined) return;
    const strings = this.contents(this.sections[table.link]!) ?? new Uint8Array(0);
    for (let at = elf.SYM_SIZE; at + elf.SYM_SIZE <= table.size; at += elf.SYM_SIZE) {
      const entry = table.offset + at;
      yield {
        name: () => stringAt(strings, this.reader.u32(entry, "st_name")),
        type: this.reader.u8(entry + 4, "st_info") & 15,
        section: this.reader.u16(entry + 6, "st_shndx"),
        value: Number(readWord(this.reader, entry + 8)),
        size: Number(readWord(this.reader, entry + 16)),
      };
    }
  }

  /** Calls `visit` for the relocations of a section: offset in it, type, index of the symbol, addend. */
  forEachRelocation(
    section: Section,
    visit: (offset: number, type: number, symbol: number, addend: number) => void,
  ): void {
    for (const table of this.sections) {
      if (table.type !== elf.SHT_RELA || table.info !== section.index) continue;
      for (let at = 0; at + elf.RELA_SIZE <= table.size; at += elf.RELA_SIZE) {
        const entry = table.offset + at;
        const offset = this.reader.u64(entry, "r_offset");
        const type = this.reader.u32(entry + 8, "r_info");
        const symbol = this.reader.u32(entry + 12, "r_info");
        visit(offset, type, symbol, Number(BigInt.asIntN(64, readWord(this.reader, entry + 16))));
      }
    }
  }
}

function readWord(reader: ByteReader, offset: number): bigint {
  reader.check(offset, 8, "word");
  return reader.view.getBigUint64(reader.start + offset, true);
}

/** The NUL-terminated string at a position; empty beyond the end. */
export function stringAt(strings: Uint8Array, position: number): string {
  return position < strings.length ? new DwarfReader(strings, position).string() : "";
}

function readSections(reader: ByteReader): Section[] {
  const table = reader.u64(40, "e_shoff");
  if (table === 0) return [];
  const field = (index: number, at: number): number => reader.u32(table + index * elf.SHDR_SIZE + at, "section header");
  const word = (index: number, at: number): number => Number(readWord(reader, table + index * elf.SHDR_SIZE + at));
  const count = reader.u16(60, "e_shnum") || word(0, 32);
  const names = reader.u16(62, "e_shstrndx");
  const nameTable = names === elf.SHN_XINDEX ? field(0, 40) : names;
  reader.check(table, count * elf.SHDR_SIZE, "section headers");
  const strings = reader.bytes(word(nameTable, 24), word(nameTable, 32), "section names");
  return Array.from({ length: count }, (_, index) => ({
    index,
    name: stringAt(strings, field(index, 0)),
    type: field(index, 4),
    flags: word(index, 8),
    address: word(index, 16),
    offset: word(index, 24),
    size: word(index, 32),
    link: field(index, 40),
    info: field(index, 44),
  }));
}

function readLoads(reader: ByteReader): { offset: number; address: number; size: number }[] {
  const loads: { offset: number; address: number; size: number }[] = [];
  const table = reader.u64(32, "e_phoff");
  const count = reader.u16(56, "e_phnum");
  for (let i = 0; i < count && table !== 0; i++) {
    const at = table + i * elf.PHDR_SIZE;
    if (reader.u32(at, "p_type") !== elf.PT_LOAD) continue;
    const [offset, address, size] = [8, 16, 32].map((field) => Number(readWord(reader, at + field)));
    loads.push({ offset: offset!, address: address!, size: size! });
  }
  return loads;
}

/** Elf64_Chdr: ch_type, ch_reserved, ch_size, ch_addralign. */
function decompress(bytes: Uint8Array): Uint8Array | undefined {
  const header = new DwarfReader(bytes);
  const type = header.u32();
  header.u32();
  const maxOutputLength = Math.min(Number(header.u64()), MOST_CONTENTS);
  const compressed = bytes.subarray(CHDR_SIZE);
  if (type === ELFCOMPRESS_ZLIB) return zlib.inflateSync(compressed, { maxOutputLength });
  // Since Node 22.15.
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.inflateSync };
  return type === ELFCOMPRESS_ZSTD ? zstdDecompressSync?.(compressed, { maxOutputLength }) : undefined;
}

/** An ELF file out of its bytes; undefined where it is none that is understood here. */
export function elfFileOf(bytes: Uint8Array, name: string): ElfFile | undefined {
  try {
    return new ElfFile(ByteReader.of(bytes, name));
  } catch {
    return undefined;
  }
}
