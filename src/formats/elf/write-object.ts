// Writes a relocatable ELF object for x86-64 (gABI 4; psABI 4):
//
//     ELF header | contents of sections | .rela tables | .symtab | .strtab | .shstrtab | section headers
//
// Local symbols precede all others in the table, as sh_info says; relocations name symbols by their place in `symbols`, whatever place
// they get.

import { ByteWriter } from "../../bytes/byte-writer.ts";
import {
  EHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_REL,
  EV_CURRENT,
  RELA_SIZE,
  SHDR_SIZE,
  SHF_INFO_LINK,
  SHN_ABS,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  STB_GLOBAL,
  STB_LOCAL,
  STT_NOTYPE,
  STV_DEFAULT,
  SYM_SIZE,
} from "./constants.ts";

/** A relocation entry with its addend. */
export interface ObjectRelocation {
  /** Bytes from the section's start. */
  readonly offset: number;
  /** R_X86_64_… */
  readonly type: number;
  /** Index in the object's `symbols`. */
  readonly symbol: number;
  /** A in the psABI. */
  readonly addend: number;
}

/** A section; the symbol, string and relocation tables are made. */
export interface ObjectSection {
  /** Such as `.text`. */
  readonly name: string;
  /** SHT_…; SHT_PROGBITS by default. */
  readonly type?: number;
  /** SHF_…, added up. */
  readonly flags?: number;
  /** In bytes, a power of two; 1 by default. */
  readonly alignment?: number;
  /** A number is the size of a section without contents (SHT_NOBITS). */
  readonly contents: Uint8Array | number;
  /** Applied to its contents. */
  readonly relocations?: readonly ObjectRelocation[];
}

/** A symbol; values default to those of an undefined global name. */
export interface ObjectSymbol {
  /** Empty for a section's own symbol (STT_SECTION). */
  readonly name: string;
  /** Index in the object's `sections`, or "absolute"; undefined: defined elsewhere. */
  readonly section?: number | "absolute";
  /** Offset in the section, or the absolute value. */
  readonly value?: number;
  /** st_size, in bytes. */
  readonly size?: number;
  /** STT_… */
  readonly type?: number;
  /** STB_… */
  readonly binding?: number;
  /** STV_… */
  readonly visibility?: number;
}

/** What goes into an object. */
export interface ObjectContents {
  /** In the order in which they are written. */
  readonly sections: readonly ObjectSection[];
  /** In any order; relocations name them by their places here. */
  readonly symbols: readonly ObjectSymbol[];
}

interface SectionHeader {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link?: number;
  readonly info?: number;
  readonly alignment: number;
  readonly entrySize?: number;
}

/** The object's bytes. Errors: RangeError for indices and offsets that lead nowhere, and for 65,000 sections or more. */
export function writeObject({ sections, symbols }: ObjectContents): Uint8Array {
  const writer = new ByteWriter(4096).zeros(EHDR_SIZE);
  const headers: SectionHeader[] = [{ name: "", type: SHT_NULL, flags: 0, offset: 0, size: 0, alignment: 0 }];
  for (const section of sections) headers.push(writeContents(writer, section));

  const withRelocations = sections.filter(({ relocations = [] }) => relocations.length > 0).length;
  const symbolTable = 1 + sections.length + withRelocations;
  if (symbolTable + 3 >= SHN_LORESERVE) {
    throw new RangeError(`an object of ${symbolTable + 3} sections: ${SHN_LORESERVE - 1} is the most that is written`);
  }
  const { order, place, localCount } = orderSymbols(symbols);
  sections.forEach((section, i) => {
    const { name, relocations = [] } = section;
    if (relocations.length === 0) return;
    const offset = writer.align(8).length;
    for (const relocation of relocations) writeRelocation(writer, section, relocation, place);
    const size = writer.length - offset;
    const [flags, alignment, entrySize] = [SHF_INFO_LINK, 8, RELA_SIZE];
    headers.push({
      name: `.rela${name}`,
      type: SHT_RELA,
      flags,
      offset,
      size,
      link: symbolTable,
      info: i + 1,
      alignment,
      entrySize,
    });
  });

  const names = new StringTable();
  const offset = writer.align(8).length;
  writer.zeros(SYM_SIZE);
  for (const index of order) writeSymbol(writer, symbols[index], sections.length, names);
  const size = writer.length - offset;
  const [link, info] = [symbolTable + 1, 1 + localCount];
  headers.push({
    name: ".symtab",
    type: SHT_SYMTAB,
    flags: 0,
    offset,
    size,
    link,
    info,
    alignment: 8,
    entrySize: SYM_SIZE,
  });
  headers.push(names.write(writer, ".strtab"));

  const sectionNames = new StringTable();
  const nameOffsets = [...headers.map(({ name }) => sectionNames.add(name)), sectionNames.add(".shstrtab")];
  headers.push(sectionNames.write(writer, ".shstrtab"));
  const table = writer.align(8).length;
  headers.forEach((header, i) => {
    writeSectionHeader(writer, header, nameOffsets[i]);
  });
  const bytes = writer.bytes.slice();
  bytes.set(fileHeader(table, headers.length));
  return bytes;
}

function writeContents(writer: ByteWriter, section: ObjectSection): SectionHeader {
  const { name, flags = 0, alignment = 1, contents } = section;
  const type = section.type ?? (typeof contents === "number" ? SHT_NOBITS : SHT_PROGBITS);
  const offset = writer.align(alignment).length;
  if (typeof contents === "number") return { name, type, flags, offset, size: contents, alignment };
  writer.raw(contents);
  return { name, type, flags, offset, size: contents.length, alignment };
}

/** The order of the table, where each symbol gets its place (the null symbol is 0), and how many locals lead it. */
function orderSymbols(symbols: readonly ObjectSymbol[]): { order: number[]; place: number[]; localCount: number } {
  const isLocal = ({ binding = STB_GLOBAL }: ObjectSymbol) => binding === STB_LOCAL;
  const indices = symbols.map((_, i) => i);
  const locals = indices.filter((i) => isLocal(symbols[i]));
  const order = [...locals, ...indices.filter((i) => !isLocal(symbols[i]))];
  const place: number[] = [];
  order.forEach((index, i) => {
    place[index] = i + 1;
  });
  return { order, place, localCount: locals.length };
}

function writeRelocation(
  writer: ByteWriter,
  { name, contents }: ObjectSection,
  { offset, type, symbol, addend }: ObjectRelocation,
  place: readonly number[],
): void {
  const size = typeof contents === "number" ? 0 : contents.length;
  if (!(offset >= 0 && offset < size)) throw new RangeError(`${name}: a relocation at ${offset} in ${size} bytes`);
  const index = place[symbol];
  if (index === undefined) throw new RangeError(`${name}: a relocation names symbol ${symbol} of ${place.length}`);
  writer.u64(offset).u32(type).u32(index).u64(addend);
}

function writeSymbol(writer: ByteWriter, symbol: ObjectSymbol, sectionCount: number, names: StringTable): void {
  const { name, section, value = 0, size = 0 } = symbol;
  const { type = STT_NOTYPE, binding = STB_GLOBAL, visibility = STV_DEFAULT } = symbol;
  if (typeof section === "number" && !(section >= 0 && section < sectionCount)) {
    throw new RangeError(`symbol ${name} is in section ${section} of ${sectionCount}`);
  }
  const index = section === undefined ? SHN_UNDEF : section === "absolute" ? SHN_ABS : section + 1;
  writer
    .u32(names.add(name))
    .u8((binding << 4) | type)
    .u8(visibility)
    .u16(index)
    .u64(value)
    .u64(size);
}

function writeSectionHeader(writer: ByteWriter, header: SectionHeader, name: number): void {
  const { type, flags, offset, size, link = 0, info = 0, alignment, entrySize = 0 } = header;
  writer.u32(name).u32(type).u64(flags).u64(0).u64(offset).u64(size);
  writer.u32(link).u32(info).u64(alignment).u64(entrySize);
}

function fileHeader(sectionTable: number, sectionCount: number): Uint8Array {
  return new ByteWriter(EHDR_SIZE)
    .raw(new Uint8Array([0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, EV_CURRENT, 0]))
    .zeros(8)
    .u16(ET_REL)
    .u16(EM_X86_64)
    .u32(EV_CURRENT)
    .u64(0) // e_entry
    .u64(0) // e_phoff
    .u64(sectionTable)
    .u32(0) // e_flags
    .u16(EHDR_SIZE)
    .u16(0) // e_phentsize
    .u16(0) // e_phnum
    .u16(SHDR_SIZE)
    .u16(sectionCount)
    .u16(sectionCount - 1) // e_shstrndx: written last
    .bytes.slice();
}

/** Strings that end with a zero byte, each once; offset 0 is the empty one. */
class StringTable {
  readonly #offsets = new Map([["", 0]]);
  readonly #strings = new ByteWriter().u8(0);

  add(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#strings.length;
    this.#strings.raw(new TextEncoder().encode(name)).u8(0);
    this.#offsets.set(name, offset);
    return offset;
  }

  write(writer: ByteWriter, name: string): SectionHeader {
    const offset = writer.length;
    writer.raw(this.#strings.bytes);
    return { name, type: SHT_STRTAB, flags: 0, offset, size: this.#strings.length, alignment: 1 };
  }
}
