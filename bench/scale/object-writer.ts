// Writes relocatable ELF x86-64 objects (gABI 4 and 5) as large as one likes and fast: compilers would need hours for what the
// scale benchmark links.

import {
  EHDR_SIZE,
  EM_X86_64,
  ET_REL,
  GRP_COMDAT,
  RELA_SIZE,
  SHDR_SIZE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_GROUP,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STB_GLOBAL,
  STT_NOTYPE,
  SYM_SIZE,
} from "../../src/formats/elf/constants.ts";
import { Column, TextColumn } from "./columns.ts";

const SHF_INFO_LINK = 0x40;
const SHF_GROUP = 0x200;
/** In place of a section's index, which may be SHN_COMMON's number itself. */
const COMMON = -1;

/** Flags of the usual sections, and their common types. */
export const Flags = {
  code: SHF_ALLOC | SHF_EXECINSTR,
  data: SHF_ALLOC | SHF_WRITE,
  readOnly: SHF_ALLOC,
} as const;

/** A section to be written; `size` alone makes it one without contents (SHT_NOBITS). */
export interface SectionOptions {
  readonly type?: number;
  readonly flags?: number;
  readonly alignment?: number;
  readonly size?: number;
}

/** A symbol to be written; undefined when it has no section. */
export interface SymbolOptions {
  /** Index that `section` gave. */
  readonly section?: number;
  readonly value?: number;
  readonly size?: number;
  /** STT_… */
  readonly type?: number;
  /** STB_… */
  readonly binding?: number;
}

/** Sections, global symbols, relocations and COMDAT groups of one object, kept in columns until `bytes` puts them together. */
export class ObjectWriter {
  readonly #sectionNames = new TextColumn();
  readonly #nameOffsets = new Map<string, number>();
  readonly #sectionName = new Column();
  readonly #type = new Column();
  readonly #flags = new Column();
  readonly #alignment = new Column();
  readonly #size = new Column();
  /** Position of each section's contents in `#contents`. */
  readonly #content = new Column();
  readonly #contents = new TextColumn(0);

  readonly #symbolNames = new TextColumn();
  readonly #symbolName = new Column();
  readonly #symbolInfo = new Column();
  readonly #symbolSection = new Column();
  readonly #symbolValue = new Column();
  readonly #symbolSize = new Column();

  readonly #relocationSection = new Column();
  readonly #relocationOffset = new Column();
  readonly #relocationType = new Column();
  readonly #relocationSymbol = new Column();
  readonly #relocationAddend = new Column();

  readonly #groups: { readonly signature: number; readonly members: readonly number[] }[] = [];
  readonly #groupOf = new Map<number, number>();

  constructor() {
    this.section("", new Uint8Array(), { type: 0 });
    this.symbol("");
    this.#symbolInfo.set(0, 0);
  }

  /** Adds a section and gives its index; indices of 0xff00 and more are written by the rules for many sections. */
  section(name: string, contents: Uint8Array | undefined, options: SectionOptions = {}): number {
    let offset = this.#nameOffsets.get(name);
    if (offset === undefined) {
      offset = name === "" ? 0 : this.#sectionNames.add(name);
      this.#nameOffsets.set(name, offset);
    }
    this.#sectionName.push(offset);
    this.#flags.push(options.flags ?? 0);
    this.#alignment.push(options.alignment ?? 1);
    this.#type.push(options.type ?? (contents === undefined ? SHT_NOBITS : SHT_PROGBITS));
    this.#size.push(contents?.length ?? options.size ?? 0);
    this.#contents.align(Math.min(options.alignment ?? 1, 16));
    return this.#content.push(contents === undefined ? 0 : this.#contents.bytes(contents)) - 1;
  }

  /** Adds a global symbol and gives its index. */
  symbol(name: string, options: SymbolOptions = {}): number {
    this.#symbolName.push(name === "" ? 0 : this.#symbolNames.add(name));
    this.#symbolInfo.push(((options.binding ?? STB_GLOBAL) << 4) | (options.type ?? STT_NOTYPE));
    this.#symbolSection.push(options.section ?? 0);
    this.#symbolValue.push(options.value ?? 0);
    return this.#symbolSize.push(options.size ?? 0) - 1;
  }

  /** A common symbol (gABI 4, SHN_COMMON): its value is its alignment. */
  common(name: string, size: number, alignment: number, type: number): number {
    return this.symbol(name, { section: COMMON, value: alignment, size, type });
  }

  relocate(section: number, offset: number, type: number, symbol: number, addend = 0): void {
    this.#relocationSection.push(section);
    this.#relocationOffset.push(offset);
    this.#relocationType.push(type);
    this.#relocationSymbol.push(symbol);
    this.#relocationAddend.push(addend);
  }

  /** Puts sections into a COMDAT group with the symbol as its signature. */
  comdat(signature: number, members: readonly number[]): void {
    for (const member of members) this.#groupOf.set(member, this.#groups.length);
    this.#groups.push({ signature, members });
  }

  /** The object: header, contents, group and relocation sections, symbol and string tables, section headers. */
  bytes(): Uint8Array {
    const plain = this.#type.length;
    const relocated = this.#relocationsBySection();
    const groups = this.#groups.length;
    const tables = plain + groups + relocated.sections.length;
    const symbolTable = tables;
    const [strings, names, extended] = [tables + 1, tables + 2, tables + 3];
    const needsExtended = plain > SHN_LORESERVE;
    const count = tables + (needsExtended ? 4 : 3);
    const [groupName, relaName] = [this.#sectionNames.add(".group"), this.#sectionNames.add(".rela")];
    const tableNames = [".symtab", ".symtab_shndx", ".strtab", ".shstrtab"].map((name) => this.#sectionNames.add(name));

    // Where everything goes.
    const contents = EHDR_SIZE;
    const memberWords = this.#groups.map(({ members }) => 1 + members.length + this.#relocatedOf(members, relocated));
    const groupStart = align(contents + this.#contents.length, 16);
    const groupEnd = groupStart + 4 * memberWords.reduce((sum, words) => sum + words, 0);
    const relocations = align(groupEnd, 8);
    const symbols = relocations + RELA_SIZE * this.#relocationType.length;
    const words = symbols + SYM_SIZE * this.#symbolName.length;
    const symbolStrings = words + (needsExtended ? 4 * this.#symbolName.length : 0);
    const sectionStrings = symbolStrings + this.#symbolNames.length;
    const headers = align(sectionStrings + this.#sectionNames.length, 8);
    const file = new Uint8Array(headers + SHDR_SIZE * count);
    const view = new DataView(file.buffer);

    file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    view.setUint16(16, ET_REL, true);
    view.setUint16(18, EM_X86_64, true);
    view.setUint32(20, 1, true);
    setWord(view, 40, headers);
    view.setUint16(52, EHDR_SIZE, true);
    view.setUint16(58, SHDR_SIZE, true);
    const many = count >= SHN_LORESERVE;
    view.setUint16(60, many ? 0 : count, true);
    view.setUint16(62, many ? SHN_XINDEX : names, true);

    file.set(this.#contents.used, contents);
    const header = (
      index: number,
      ...[name, type, flags, offset, size, link, info, alignment, entry]: number[]
    ): void => {
      const at = headers + SHDR_SIZE * index;
      view.setUint32(at, name!, true);
      view.setUint32(at + 4, type!, true);
      view.setUint32(at + 8, flags!, true);
      setWord(view, at + 24, offset!);
      setWord(view, at + 32, size!);
      view.setUint32(at + 40, link!, true);
      view.setUint32(at + 44, info!, true);
      setWord(view, at + 48, alignment!);
      setWord(view, at + 56, entry!);
    };
    for (let i = 1; i < plain; i++) {
      const flags = this.#flags.at(i) | (this.#groupOf.has(i) ? SHF_GROUP : 0);
      const at = contents + this.#content.at(i);
      header(i, this.#sectionName.at(i), this.#type.at(i), flags, at, this.#size.at(i), 0, 0, this.#alignment.at(i), 0);
    }
    let at = groupStart;
    this.#groups.forEach(({ signature, members }, group) => {
      header(plain + group, groupName, SHT_GROUP, 0, at, 4 * memberWords[group]!, symbolTable, signature, 4, 4);
      view.setUint32(at, GRP_COMDAT, true);
      at += 4;
      for (const member of members) {
        view.setUint32(at, member, true);
        at += 4;
        const table = relocated.tableOf.get(member);
        if (table === undefined) continue;
        view.setUint32(at, plain + groups + table, true);
        at += 4;
      }
    });
    relocated.sections.forEach(({ section, first, end }, i) => {
      const inGroup = this.#groupOf.has(section) ? SHF_GROUP : 0;
      const [offset, size] = [relocations + RELA_SIZE * first, RELA_SIZE * (end - first)];
      const flags = SHF_INFO_LINK | inGroup;
      header(plain + groups + i, relaName, SHT_RELA, flags, offset, size, symbolTable, section, 8, RELA_SIZE);
    });
    for (let i = 0; i < relocated.order.length; i++) {
      const which = relocated.order[i]!;
      const entry = relocations + RELA_SIZE * i;
      setWord(view, entry, this.#relocationOffset.at(which));
      view.setUint32(entry + 8, this.#relocationType.at(which), true);
      view.setUint32(entry + 12, this.#relocationSymbol.at(which), true);
      setWord(view, entry + 16, this.#relocationAddend.at(which));
    }
    for (let i = 0; i < this.#symbolName.length; i++) {
      const entry = symbols + SYM_SIZE * i;
      const section = this.#symbolSection.at(i);
      const far = section >= SHN_LORESERVE;
      view.setUint32(entry, this.#symbolName.at(i), true);
      view.setUint8(entry + 4, this.#symbolInfo.at(i));
      view.setUint16(entry + 6, far ? SHN_XINDEX : section === COMMON ? SHN_COMMON : section, true);
      setWord(view, entry + 8, this.#symbolValue.at(i));
      setWord(view, entry + 16, this.#symbolSize.at(i));
      if (far) view.setUint32(words + 4 * i, section, true);
    }
    file.set(this.#symbolNames.used, symbolStrings);
    file.set(this.#sectionNames.used, sectionStrings);
    const symbolBytes = words - symbols;
    header(symbolTable, tableNames[0]!, SHT_SYMTAB, 0, symbols, symbolBytes, strings, 1, 8, SYM_SIZE);
    if (needsExtended) {
      header(extended, tableNames[1]!, SHT_SYMTAB_SHNDX, 0, words, symbolStrings - words, symbolTable, 0, 4, 4);
    }
    header(strings, tableNames[2]!, SHT_STRTAB, 0, symbolStrings, this.#symbolNames.length, 0, 0, 1, 0);
    header(names, tableNames[3]!, SHT_STRTAB, 0, sectionStrings, this.#sectionNames.length, 0, 0, 1, 0);
    // Section header 0 holds what the file header's fields are too small for (gABI 4, "ELF Header", e_shnum and e_shstrndx).
    if (many) header(0, 0, 0, 0, 0, count, names, 0, 0, 0);
    return file;
  }

  #relocatedOf(members: readonly number[], relocated: BySection): number {
    return members.filter((member) => relocated.tableOf.has(member)).length;
  }

  /** The relocations of each section together, in the order in which they were added. */
  #relocationsBySection(): BySection {
    const count = this.#relocationType.length;
    const next = new Int32Array(this.#type.length + 1);
    for (let i = 0; i < count; i++) next[this.#relocationSection.at(i) + 1]!++;
    const sections: BySection["sections"] = [];
    const tableOf = new Map<number, number>();
    for (let section = 0; section < this.#type.length; section++) {
      const own = next[section + 1]!;
      next[section + 1]! += next[section]!;
      if (own === 0) continue;
      tableOf.set(section, sections.push({ section, first: next[section]!, end: next[section + 1]! }) - 1);
    }
    const order = new Int32Array(count);
    for (let i = 0; i < count; i++) order[next[this.#relocationSection.at(i)]!++] = i;
    return { sections, tableOf, order };
  }
}

interface BySection {
  readonly sections: { section: number; first: number; end: number }[];
  readonly tableOf: ReadonlyMap<number, number>;
  readonly order: Int32Array;
}

function align(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function setWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
}
