// A relocatable file that can be changed before it is linked. The linker reads sections, symbols and relocation entries in place from the
// file, and a kernel goes through them; so a change is made here, by writing another file (write-edited-object.ts) which is then read
// as any other. Nobody pays for this but those who change something.

import type { ByteReader } from "../../bytes/byte-reader.ts";
import { SectionKind } from "../../graph/section-table.ts";
import {
  SHDR_SIZE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_CREL,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  SYM_SIZE,
} from "./constants.ts";
import { expandCrel } from "./crel.ts";
import { EditableRelocation, type RelocationSpec } from "./editable-relocation.ts";
import { EditableSection, type SectionSpec } from "./editable-section.ts";
import { EditableSymbol, type SymbolSpec } from "./editable-symbol.ts";
import { type ElfHeader, readElfHeader } from "./header.ts";
import { expandRel, readImplicitAddends } from "./implicit-addends.ts";
import { sectionKindOf } from "./section-kind.ts";
import { writeEditedObject } from "./write-edited-object.ts";

const decoder = new TextDecoder();

/**
 * An object file as a plugin sees it before anything is linked (a LinkGraph of its own): sections, symbols and relocations, which can be
 * changed, and further ones added. Errors: ObjectFormatError for a damaged file, RangeError and TypeError for a change that makes no sense.
 */
export class EditableObject {
  /** What errors call it: `main.o`, `libfoo.a(bar.o)`. */
  readonly name: string;
  /** By index in the file; [0] is the empty section. */
  readonly sections: EditableSection[] = [];
  /** In the order of the file; [0] is the empty symbol. */
  readonly symbols: EditableSymbol[] = [];
  readonly #reader: ByteReader;
  readonly #header: ElfHeader;
  readonly #byName = new Map<string, EditableSymbol>();
  #isChanged = false;

  constructor(reader: ByteReader) {
    this.name = reader.name;
    this.#reader = reader;
    this.#header = readElfHeader(reader);
    this.#readSections();
    this.#readSymbols();
    this.#readRelocations();
  }

  /** Something is not as the file has it. */
  get isChanged(): boolean {
    return this.#isChanged || this.sections.some((section) => section.hasChangedBytes);
  }

  /** The relocations of all sections that become part of the program. */
  *relocations(): Generator<EditableRelocation, void, undefined> {
    for (const section of this.sections) if (section.kind !== "none") yield* section.relocations;
  }

  /** The first section with this name. */
  section(name: string): EditableSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** The global symbol with this name, defined or referred to. */
  findSymbol(name: string): EditableSymbol | undefined {
    const known = this.#byName.get(name);
    if (known?.name === name && known.binding !== "local") return known;
    return this.symbols.find((symbol) => symbol.name === name && symbol.binding !== "local");
  }

  /** The global symbol with this name; a reference to it is added if there is none. */
  symbol(name: string): EditableSymbol {
    return this.findSymbol(name) ?? this.addSymbol({ name });
  }

  /** Adds a symbol: a definition in a section or at an absolute address, else a reference. */
  addSymbol(spec: SymbolSpec): EditableSymbol {
    if (spec.section !== undefined && !this.sections.includes(spec.section)) {
      throw new TypeError(`${this.name}: the section of the symbol ${spec.name} is one of another object`);
    }
    const symbol = EditableSymbol.added(spec, this.#noteChange);
    this.symbols.push(symbol);
    if (symbol.binding !== "local") this.#byName.set(symbol.name, symbol);
    this.#isChanged = true;
    return symbol;
  }

  /** Adds a section with its contents and relocations. */
  addSection(spec: SectionSpec): EditableSection {
    const flags = { code: SHF_ALLOC | SHF_EXECINSTR, readOnly: SHF_ALLOC, data: SHF_ALLOC | SHF_WRITE };
    const header = { type: SHT_PROGBITS, flags: flags[spec.kind], link: 0, info: 0, entrySize: 0 };
    const section = new EditableSection(this.sections.length, spec.name, spec.kind, header, this.#noteChange);
    section.alignment = spec.alignment ?? (spec.kind === "code" ? 16 : 8);
    section.bytes = spec.bytes;
    this.sections.push(section);
    this.#isChanged = true;
    for (const each of spec.relocations ?? []) this.addRelocation(section, each);
    return section;
  }

  /** Adds a relocation to a section. */
  addRelocation(section: EditableSection, spec: RelocationSpec): EditableRelocation {
    const symbol = typeof spec.symbol === "string" ? this.symbol(spec.symbol) : spec.symbol;
    const relocation = EditableRelocation.added(section, spec, symbol, this.#noteChange);
    section.relocations.push(relocation);
    this.#isChanged = true;
    return relocation;
  }

  /** The file with all changes. */
  write(): Uint8Array {
    return writeEditedObject(this.#reader, this.#header, this.sections, this.symbols);
  }

  readonly #noteChange = (): void => {
    this.#isChanged = true;
  };

  #readSections(): void {
    const reader: ByteReader = this.#reader;
    const { sectionCount, sectionNames, sectionTable } = this.#header;
    const names = this.#window(sectionNames, "section name table");
    for (let index = 0; index < sectionCount; index++) {
      const at = sectionTable + SHDR_SIZE * index;
      const type = reader.u32(at + 4, "sh_type");
      const flags = reader.u32(at + 8, "sh_flags");
      const nameAt = reader.u32(at, "sh_name");
      const name = index === 0 ? "" : text(names, nameAt, "sh_name");
      const kind = index === 0 || type < SHT_PROGBITS ? SectionKind.none : kindOf(type, flags, names, nameAt);
      const header = {
        type,
        flags,
        link: reader.u32(at + 40, "sh_link"),
        info: reader.u32(at + 44, "sh_info"),
        entrySize: reader.u64(at + 56, "sh_entsize"),
      };
      const section = new EditableSection(index, name, kindName(kind), header, this.#noteChange);
      const size = index === 0 ? 0 : reader.u64(at + 32, "sh_size");
      const hasContents = index > 0 && type !== SHT_NOBITS;
      section.read(reader.u64(at + 48, "sh_addralign") || 1, size, () =>
        hasContents ? reader.bytes(reader.u64(at + 24, "sh_offset"), size, name) : undefined,
      );
      this.sections.push(section);
    }
  }

  #readSymbols(): void {
    const table = this.sections.find(({ header }) => header.type === SHT_SYMTAB);
    if (table === undefined) return;
    const entries = this.#window(table.index, "symbol table");
    const strings = this.#window(table.header.link, "symbol name table");
    const extended = this.sections.find(({ header }) => header.type === SHT_SYMTAB_SHNDX);
    const words = extended && this.#window(extended.index, "extended section indices");
    for (let i = 0; i < Math.floor(entries.length / SYM_SIZE); i++) {
      const at = SYM_SIZE * i;
      let index = entries.u16(at + 6, "st_shndx");
      if (index === SHN_XINDEX && words !== undefined) index = words.u32(4 * i, "extended section index");
      else if (index >= SHN_LORESERVE && index !== SHN_ABS) index = SHN_COMMON;
      const isInSection =
        index !== SHN_UNDEF && (index < SHN_LORESERVE || entries.u16(at + 6, "st_shndx") === SHN_XINDEX);
      const section = isInSection ? this.sections[index] : undefined;
      if (isInSection && section === undefined) {
        this.#reader.fail(`symbol ${i}: st_shndx is ${index}, the file has ${this.sections.length} sections`);
      }
      const place = isInSection
        ? "section"
        : index === SHN_UNDEF
          ? "undefined"
          : index === SHN_ABS
            ? "absolute"
            : "common";
      const name = text(strings, entries.u32(at, "st_name"), "st_name");
      const symbol = EditableSymbol.read(entries, at, { name, section, place }, this.#noteChange);
      this.symbols.push(symbol);
      if (symbol.binding !== "local") this.#byName.set(name, symbol);
    }
  }

  #readRelocations(): void {
    for (const { index, header, kind } of [...this.sections]) {
      const { type } = header;
      if (kind !== "none" || (type !== SHT_RELA && type !== SHT_REL && type !== SHT_CREL)) continue;
      const target = this.sections[header.info];
      if (target === undefined || target.index === 0) {
        this.#reader.fail(
          `relocation section ${index}: sh_info is ${header.info}, the file has ${this.sections.length} sections`,
        );
      }
      const entries = this.#relocationEntries(this.#window(index, "relocation section"), type, index, target);
      for (let at = 0; at + 24 <= entries.byteLength; at += 24) {
        const symbol = this.symbols[entries.getUint32(at + 12, true)];
        if (symbol === undefined) {
          this.#reader.fail(
            `relocation section ${index}: symbol ${entries.getUint32(at + 12, true)}, the file has ${this.symbols.length}`,
          );
        }
        target.relocations.push(EditableRelocation.read(target, entries, at, symbol, this.#noteChange));
      }
      target.relocationTable = index;
    }
  }

  /** As Elf64_Rela, whatever form the file has. */
  #relocationEntries(window: ByteReader, type: number, index: number, target: EditableSection): DataView {
    if (type === SHT_RELA)
      return new DataView(window.view.buffer, window.view.byteOffset + window.start, window.length);
    const crel = type === SHT_CREL ? expandCrel(window, index) : undefined;
    const entries = crel?.entries ?? expandRel(window);
    if (crel?.hasAddends !== true) readImplicitAddends(entries, this.#window(target.index, target.name));
    return entries;
  }

  #window(index: number, what: string): ByteReader {
    const at = this.#header.sectionTable + SHDR_SIZE * index;
    if (index >= this.#header.sectionCount) {
      this.#reader.fail(`${what}: section ${index}, the file has ${this.#header.sectionCount} sections`);
    }
    return this.#reader.window(this.#reader.u64(at + 24, "sh_offset"), this.#reader.u64(at + 32, "sh_size"), what);
  }
}

function kindOf(type: number, flags: number, names: ByteReader, name: number): SectionKind {
  names.check(name, 1, "sh_name");
  return sectionKindOf(type, flags, names.view, names.start + name);
}

function kindName(kind: SectionKind): keyof typeof SectionKind {
  return Object.entries(SectionKind).find(([, value]) => value === kind)![0] as keyof typeof SectionKind;
}

function text(strings: ByteReader, offset: number, field: string): string {
  if (offset === 0 && strings.length === 0) return "";
  strings.check(offset, 1, field);
  const bytes = strings.bytes(offset, strings.length - offset, field);
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
