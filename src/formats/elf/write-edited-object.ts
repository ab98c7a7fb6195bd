import type { ByteReader } from "../../bytes/byte-reader.ts";
import {
  EHDR_SIZE,
  RELA_SIZE,
  SHDR_SIZE,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_GROUP,
  SHT_NOBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  SYM_SIZE,
} from "./constants.ts";
import type { EditableSection } from "./editable-section.ts";
import { type EditableSymbol, symbolBindings, symbolTypes, symbolVisibilities } from "./editable-symbol.ts";
import type { ElfHeader } from "./header.ts";

const ALIGNMENT = 16;
const SHF_INFO_LINK = 0x40;

/** A section as it will be in the file. */
interface OutputSection {
  name: number;
  type: number;
  flags: number;
  link: number;
  info: number;
  entrySize: number;
  alignment: number;
  size: number;
  contents: Uint8Array | undefined;
}

/**
 * Writes a relocatable file: the sections of another one under their old numbers, with whatever has been changed, then added ones, and
 * a symbol table in which locals come first, as the gABI wants it. Offsets in tables of names stay valid, as these only grow.
 */
export function writeEditedObject(
  reader: ByteReader,
  header: ElfHeader,
  sections: readonly EditableSection[],
  symbols: readonly EditableSymbol[],
): Uint8Array {
  const strings = new Map<number, StringTable>();
  const namesAt = (index: number): StringTable => {
    let table = strings.get(index);
    if (table === undefined) {
      table = new StringTable(index === 0 ? undefined : sections[index]?.contents);
      strings.set(index, table);
    }
    return table;
  };
  const out = sections.map((section) => outputOf(section, namesAt(header.sectionNames)));
  const symbolTable = symbols.length === 0 ? 0 : tableOf(out, sections, header, namesAt);
  const order = [...symbols.filter(isLocal), ...symbols.filter((symbol) => !isLocal(symbol))];
  const indices = new Map(order.map((symbol, i) => [symbol, i]));
  if (symbolTable !== 0) {
    const table = out[symbolTable]!;
    const { entries, extended } = symbolEntries(order, namesAt(table.link));
    setContents(table, entries);
    table.info = symbols.filter(isLocal).length;
    const words = out.find(({ type }) => type === SHT_SYMTAB_SHNDX);
    if (words !== undefined) setContents(words, extended.bytes);
    else if (extended.isNeeded)
      reader.fail(`has ${sections.length} sections, of which symbols can name ${SHN_LORESERVE - 1}`);
  }
  for (const [i, section] of out.entries()) {
    // The signature of a group is a symbol.
    if (section.type === SHT_GROUP) section.info = indices.get(symbols[sections[i]!.header.info]!) ?? section.info;
  }
  for (const section of sections) writeRelocations(section, out, indices, symbolTable, namesAt(header.sectionNames));
  for (const [index, table] of strings) if (index !== 0) setContents(out[index]!, table.bytes);
  return fileOf(reader, header, out);
}

const isLocal = ({ binding }: EditableSymbol): boolean => binding === "local";

function outputOf(section: EditableSection, names: StringTable): OutputSection {
  const { type, flags, link, info, entrySize } = section.header;
  const { contents, alignment, size } = section;
  const name = names.add(section.name);
  return {
    name,
    type,
    flags,
    link,
    info,
    entrySize,
    alignment,
    size,
    contents: type === SHT_NOBITS ? undefined : contents,
  };
}

function setContents(section: OutputSection, contents: Uint8Array): void {
  section.contents = contents;
  section.size = contents.length;
}

/** Index of the symbol table; an object without one gets it, and a table for its names. */
function tableOf(
  out: OutputSection[],
  sections: readonly EditableSection[],
  header: ElfHeader,
  namesAt: (index: number) => StringTable,
): number {
  const known = sections.findIndex((section) => section.header.type === SHT_SYMTAB);
  if (known > 0) return known;
  const names = namesAt(header.sectionNames);
  const common = { flags: 0, info: 0, size: 0, contents: new Uint8Array() };
  out.push({ ...common, name: names.add(".strtab"), type: SHT_STRTAB, link: 0, entrySize: 0, alignment: 1 });
  const link = out.length - 1;
  namesAt(link);
  out.push({ ...common, name: names.add(".symtab"), type: SHT_SYMTAB, link, entrySize: SYM_SIZE, alignment: 8 });
  return out.length - 1;
}

function symbolEntries(symbols: readonly EditableSymbol[], names: StringTable) {
  const entries = new Uint8Array(SYM_SIZE * symbols.length);
  const words = new Uint8Array(4 * symbols.length);
  const [view, extended] = [new DataView(entries.buffer), new DataView(words.buffer)];
  let isNeeded = false;
  for (const [i, symbol] of symbols.entries()) {
    const at = SYM_SIZE * i;
    let index =
      symbol.section?.index ??
      { undefined: SHN_UNDEF, absolute: SHN_ABS, common: SHN_COMMON, section: 0 }[symbol.place];
    if (symbol.section !== undefined && index >= SHN_LORESERVE) {
      extended.setUint32(4 * i, index, true);
      index = SHN_XINDEX;
      isNeeded = true;
    }
    // Those of sections have no names of their own.
    view.setUint32(at, symbol.name === "" ? 0 : names.add(symbol.name), true);
    entries[at + 4] = (symbolBindings[symbol.binding] << 4) | symbolTypes[symbol.type];
    entries[at + 5] = symbol.other | symbolVisibilities[symbol.visibility];
    view.setUint16(at + 6, index, true);
    view.setBigUint64(at + 8, symbol.value, true);
    view.setBigUint64(at + 16, BigInt(symbol.size), true);
  }
  return { entries, extended: { bytes: words, isNeeded } };
}

/** The section's relocations in the place of its table, or of a new one behind all sections. */
function writeRelocations(
  section: EditableSection,
  out: OutputSection[],
  indices: ReadonlyMap<EditableSymbol, number>,
  link: number,
  names: StringTable,
): void {
  const { relocations, index } = section;
  if (relocations.length === 0 && section.relocationTable === 0) return;
  const contents = new Uint8Array(RELA_SIZE * relocations.length);
  const view = new DataView(contents.buffer);
  for (const [i, relocation] of relocations.entries()) {
    const symbol = indices.get(relocation.symbol);
    if (symbol === undefined)
      throw new TypeError(`${section.name}: a relocation refers to ${relocation.symbol.name} of another object`);
    view.setBigUint64(RELA_SIZE * i, BigInt(relocation.offset), true);
    view.setUint32(RELA_SIZE * i + 8, relocation.type, true);
    view.setUint32(RELA_SIZE * i + 12, symbol, true);
    view.setBigInt64(RELA_SIZE * i + 16, relocation.addend, true);
  }
  const table = out[section.relocationTable]!;
  const form = { type: SHT_RELA, entrySize: RELA_SIZE, alignment: 8, contents, size: contents.length };
  if (section.relocationTable !== 0) Object.assign(table, form);
  else out.push({ ...form, name: names.add(`.rela${section.name}`), flags: SHF_INFO_LINK, link, info: index });
}

function fileOf(reader: ByteReader, header: ElfHeader, sections: readonly OutputSection[]): Uint8Array {
  let end = EHDR_SIZE;
  const offsets = sections.map(({ contents }) => {
    const at = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = at + (contents?.length ?? 0);
    return at;
  });
  const sectionTable = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(sectionTable + SHDR_SIZE * sections.length);
  const view = new DataView(bytes.buffer);
  bytes.set(reader.bytes(0, EHDR_SIZE, "ELF header"));
  view.setBigUint64(40, BigInt(sectionTable), true);
  const isMany = sections.length >= SHN_LORESERVE;
  view.setUint16(60, isMany ? 0 : sections.length, true);
  view.setUint16(62, header.sectionNames >= SHN_LORESERVE ? SHN_XINDEX : header.sectionNames, true);
  for (const [i, section] of sections.entries()) {
    const at = sectionTable + SHDR_SIZE * i;
    if (i === 0) {
      if (isMany) view.setBigUint64(at + 32, BigInt(sections.length), true);
      if (header.sectionNames >= SHN_LORESERVE) view.setUint32(at + 40, header.sectionNames, true);
      continue;
    }
    view.setUint32(at, section.name, true);
    view.setUint32(at + 4, section.type, true);
    view.setBigUint64(at + 8, BigInt(section.flags >>> 0), true);
    view.setBigUint64(at + 24, BigInt(offsets[i]!), true);
    view.setBigUint64(at + 32, BigInt(section.size), true);
    view.setUint32(at + 40, section.link, true);
    view.setUint32(at + 44, section.info, true);
    view.setBigUint64(at + 48, BigInt(section.alignment), true);
    view.setBigUint64(at + 56, BigInt(section.entrySize), true);
    if (section.contents !== undefined) bytes.set(section.contents, offsets[i]!);
  }
  return bytes;
}

/** A table of names that grows: names that it has whole are used again. */
class StringTable {
  readonly #bytes: number[][] = [];
  readonly #old: Uint8Array;
  readonly #offsets = new Map<string, number>();
  #size: number;

  constructor(old: Uint8Array | undefined) {
    this.#old = old === undefined || old.length === 0 ? new Uint8Array(1) : old;
    this.#size = this.#old.length;
    let start = 0;
    const decoder = new TextDecoder();
    for (let at = 0; at < this.#old.length; at++) {
      if (this.#old[at] !== 0) continue;
      this.#offsets.set(decoder.decode(this.#old.subarray(start, at)), start);
      start = at + 1;
    }
  }

  /** Where a name is, or will be. */
  add(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#size;
    const bytes = [...new TextEncoder().encode(name), 0];
    this.#bytes.push(bytes);
    this.#size += bytes.length;
    this.#offsets.set(name, offset);
    return offset;
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    bytes.set(this.#old);
    let at = this.#old.length;
    for (const each of this.#bytes) {
      bytes.set(each, at);
      at += each.length;
    }
    return bytes;
  }
}
