import { R_X86_64_64, R_X86_64_GLOB_DAT } from "../../arch/x86_64.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import * as elf from "./constants.ts";
import {
  type GnuHashPlace,
  linearSearch,
  readGnuHash,
  readSysvHash,
  type SymbolHashTable,
  SymbolName,
} from "./shared-library-hash.ts";
import { collectRela, collectRelr, type DynamicRelocation } from "./shared-library-relocations.ts";
import { type Segment, SegmentTable } from "./shared-library-segments.ts";
import { readVersionDefinitions } from "./shared-library-versions.ts";

/** A symbol that a shared library exports. */
export interface DynamicSymbol {
  /** Its place in the dynamic symbol table. */
  readonly index: number;
  /** Without a version. */
  readonly name: string;
  /** STT_…: 1 object, 2 function, 6 TLS, 10 indirect function. */
  readonly type: number;
  /** STB_…: 1 global, 2 weak, 10 unique. */
  readonly bind: number;
  /** STV_…: 0 default, 3 protected. */
  readonly visibility: number;
  /** Bytes; 0 if unknown. */
  readonly size: number;
  /** Its address relative to the load address (TLS: its offset in the TLS block; SHN_ABS: its value). */
  readonly value: number;
  /** st_shndx: the section that defines it, or SHN_ABS. */
  readonly sectionIndex: number;
  /** `GLIBC_2.2.5`, …; undefined when the library has no versions. */
  readonly versionName: string | undefined;
  /** False for `name@VERSION`, which only a reference to that very version means. */
  readonly isDefaultVersion: boolean;
}

/** The entries of the dynamic section that matter here. */
type DynamicTags = Map<number, number>;

/**
 * An ELF64 x86-64 shared object as a linker sees it: what it exports, under which versions, and what its data is made
 * of. Everything is read in place and checked; no symbol becomes an object before it is asked for.
 * Specification: System V gABI chapter 5 ("Dynamic Linking"); LSB for versions.
 */
export class SharedLibrary {
  /** All of its bytes. */
  readonly reader: ByteReader;
  /** Its path. */
  readonly file: string;
  /** DT_SONAME; undefined when it has none (the loader then goes by the file's name). */
  readonly soname: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** @internal */
  readonly segments: readonly Segment[];
  /** It is a position-independent executable (DF_1_PIE), which cannot be linked against. */
  readonly isExecutable: boolean;
  readonly #segments: SegmentTable;
  readonly #tags: DynamicTags = new Map();
  readonly #hash: SymbolHashTable;
  readonly #symbols: ByteReader;
  readonly #strings: ByteReader;
  readonly #versyms: ByteReader | undefined;
  readonly #versions: Map<number, string>;

  private constructor(reader: ByteReader) {
    this.reader = reader;
    this.file = reader.name;
    checkHeader(reader);
    this.#segments = new SegmentTable(reader);
    this.segments = this.#segments.all;
    const needed = this.#readDynamicSection();
    this.isExecutable = ((this.#tags.get(elf.DT_FLAGS_1) ?? 0) & elf.DF_1_PIE) !== 0;
    this.#strings = this.#table(elf.DT_STRTAB, this.#tag(elf.DT_STRSZ, "DT_STRSZ"), "DT_STRTAB");
    this.needed = needed.map((at) => this.#string(at, "DT_NEEDED"));
    const soname = this.#tags.get(elf.DT_SONAME);
    this.soname = soname === undefined ? undefined : this.#string(soname, "DT_SONAME");
    const entrySize = this.#tags.get(elf.DT_SYMENT) ?? elf.SYM_SIZE;
    if (entrySize !== elf.SYM_SIZE) reader.fail(`DT_SYMENT is ${entrySize}, expected ${elf.SYM_SIZE}`);
    this.#hash = this.#readHash();
    const { symbolCount } = this.#hash;
    this.#symbols = this.#table(elf.DT_SYMTAB, symbolCount * elf.SYM_SIZE, "DT_SYMTAB");
    this.#versyms = this.#tags.has(elf.DT_VERSYM)
      ? this.#table(elf.DT_VERSYM, symbolCount * 2, "DT_VERSYM")
      : undefined;
    this.#versions = this.#readVersions();
  }

  /** Reads headers and the dynamic section. Throws ObjectFormatError. */
  static read(reader: ByteReader): SharedLibrary {
    return new SharedLibrary(reader);
  }

  /**
   * The exported symbol of that name, or undefined. Without `version` the default version wins, and a symbol that
   * exists only in other versions comes back with `isDefaultVersion` false (a linker does not bind to it).
   */
  lookup(name: string | Uint8Array, version?: string): DynamicSymbol | undefined {
    const bytes = typeof name === "string" ? encoder.encode(name) : name;
    const index = this.find(new SymbolName(bytes), version);
    return index === 0 ? undefined : this.symbolAt(index);
  }

  /** False when it exports no name of this hash (`SymbolName.gnuHash`). */
  mayDefine(gnuHash: number): boolean {
    return this.#hash.mayHold(gnuHash);
  }

  /** As {@link lookup}, without making anything: the symbol's index, or 0 when there is none. */
  find(name: SymbolName, version?: string): number {
    let found = 0;
    this.#hash.candidates(name, (index) => {
      if (!this.#isExported(index) || !this.#isNamed(index, name)) return false;
      if (version === undefined) {
        if (found === 0 || this.isDefaultVersion(index)) found = index;
        return this.isDefaultVersion(index);
      }
      if (this.#versionName(index) !== version) return false;
      found = index;
      return true;
    });
    return found;
  }

  /** @internal Its hash table, if it is a DT_GNU_HASH. */
  get gnuHash(): GnuHashPlace | undefined {
    return this.#hash.gnuHash;
  }

  /** The exported symbols, in the table's order. */
  *symbols(): Generator<DynamicSymbol, void, undefined> {
    for (let index = 1; index < this.#hash.symbolCount; index++) {
      if (this.#isExported(index)) yield this.symbolAt(index);
    }
  }

  /** The exported symbols whose values are among the keys of `values`, in the table's order. */
  *symbolsAt(values: { has(value: number): boolean }): Generator<DynamicSymbol, void, undefined> {
    for (let index = 1; index < this.#hash.symbolCount; index++) {
      const value = this.#symbols.u64(index * elf.SYM_SIZE + 8, "st_value");
      if (values.has(value) && this.#isExported(index)) yield this.symbolAt(index);
    }
  }

  /** Names that it refers to strongly, does not define, and asks no particular version of. */
  *undefinedNames(): Generator<string, void, undefined> {
    for (let index = 1; index < this.#hash.symbolCount; index++) {
      const at = index * elf.SYM_SIZE;
      if (this.#symbols.u16(at + 6, "st_shndx") !== elf.SHN_UNDEF) continue;
      if (this.#symbols.u8(at + 4, "st_info") >> 4 !== elf.STB_GLOBAL) continue;
      if (this.#versyms !== undefined && this.#versyms.u16(2 * index, "versym") > elf.VER_NDX_GLOBAL) continue;
      yield this.#string(this.#symbols.u32(at, "st_name"), "st_name");
    }
  }

  /** Calls `visit` with where the name of each symbol starts that the library refers to and does not define. */
  forEachImport(visit: (names: ByteReader, at: number) => void): void {
    for (let index = 1; index < this.#hash.firstHashed; index++) {
      const at = index * elf.SYM_SIZE;
      if (this.#symbols.u16(at + 6, "st_shndx") !== elf.SHN_UNDEF) continue;
      if (this.#symbols.u8(at + 4, "st_info") >> 4 !== elf.STB_LOCAL) {
        visit(this.#strings, this.#symbols.u32(at, "st_name"));
      }
    }
  }

  /** Entry `index` of the dynamic symbol table, exported or not. */
  symbolAt(index: number): DynamicSymbol {
    const { symbolCount } = this.#hash;
    if (!(index > 0 && index < symbolCount)) this.reader.fail(`there is no dynamic symbol ${index} of ${symbolCount}`);
    const at = index * elf.SYM_SIZE;
    const info = this.#symbols.u8(at + 4, "st_info");
    return {
      index,
      name: this.#string(this.#symbols.u32(at, "st_name"), "st_name"),
      type: info & 15,
      bind: info >> 4,
      visibility: this.#symbols.u8(at + 5, "st_other") & 3,
      size: this.#symbols.u64(at + 16, "st_size"),
      value: this.#symbols.u64(at + 8, "st_value"),
      sectionIndex: this.#symbols.u16(at + 6, "st_shndx"),
      versionName: this.#versionName(index),
      isDefaultVersion: this.isDefaultVersion(index),
    };
  }

  /** STT_… of entry `index`. */
  symbolType(index: number): number {
    return this.#symbols.u8(index * elf.SYM_SIZE + 4, "st_info") & 15;
  }

  /** Whether entry `index` is its name's default version (or has none). */
  isDefaultVersion(index: number): boolean {
    return this.#versyms === undefined || (this.#versyms.u16(2 * index, "versym") & elf.VERSYM_HIDDEN) === 0;
  }

  /** Whether the program cannot write `[value, value + size)`: a segment without PF_W, or PT_GNU_RELRO. */
  isReadOnlyAddress(value: number, size: number): boolean {
    return this.#segments.isReadOnly(value, size);
  }

  /** The initial contents at an address, before relocation: in place if possible, `.bss` as zeros. */
  bytesAt(address: number, size: number): Uint8Array {
    return this.#segments.bytesAt(address, size);
  }

  /** @internal What the loader does to the data in `[start, end)`: entries of DT_RELA and DT_RELR (not those of the PLT). */
  relocationsIn(start: number, end: number): DynamicRelocation[] {
    const { reader } = this;
    const found: DynamicRelocation[] = [];
    const relaSize = this.#tags.get(elf.DT_RELASZ) ?? 0;
    if (relaSize > 0) {
      const entrySize = this.#tags.get(elf.DT_RELAENT) ?? elf.RELA_SIZE;
      if (entrySize !== elf.RELA_SIZE) reader.fail(`DT_RELAENT is ${entrySize}, expected ${elf.RELA_SIZE}`);
      const table = this.#fileOffset(elf.DT_RELA, relaSize, "DT_RELA");
      collectRela(reader, table, relaSize, start, end, found);
    }
    const relrSize = this.#tags.get(elf.DT_RELRSZ) ?? 0;
    if (relrSize > 0) {
      const table = this.#fileOffset(elf.DT_RELR, relrSize, "DT_RELR");
      const addendAt = (address: number) =>
        reader.i64(this.#segments.fileOffset(address, 8, "DT_RELR addend"), "DT_RELR addend");
      collectRelr(reader, table, relrSize, start, end, addendAt, found);
    }
    return found;
  }

  /** Calls `visit` with where the name of each function starts whose address the loader writes into the library's data. */
  forEachAddressTaken(visit: (names: ByteReader, at: number) => void): void {
    const size = this.#tags.get(elf.DT_RELASZ) ?? 0;
    if (size === 0) return;
    const table = this.reader.window(this.#fileOffset(elf.DT_RELA, size, "DT_RELA"), size, "DT_RELA table");
    const seen = new Uint8Array(this.#hash.symbolCount);
    // The relative ones come first, and may be very many.
    const first = (this.#tags.get(elf.DT_RELACOUNT) ?? 0) * elf.RELA_SIZE;
    for (let at = first; at + elf.RELA_SIZE <= size; at += elf.RELA_SIZE) {
      const type = table.u32(at + 8, "r_info type");
      const index = table.u32(at + 12, "r_info symbol");
      if ((type !== R_X86_64_64 && type !== R_X86_64_GLOB_DAT) || index >= seen.length || seen[index] !== 0) continue;
      seen[index] = 1;
      const symbolType = this.symbolType(index);
      if (symbolType !== elf.STT_FUNC && symbolType !== elf.STT_GNU_IFUNC && symbolType !== elf.STT_NOTYPE) continue;
      visit(this.#strings, this.#symbols.u32(index * elf.SYM_SIZE, "st_name"));
    }
  }

  /** Fills the tags (the first of each counts) and returns the DT_NEEDED entries. */
  #readDynamicSection(): number[] {
    const dynamic = this.#segments.find(elf.PT_DYNAMIC);
    if (dynamic === undefined)
      this.reader.fail("there is no PT_DYNAMIC program header, expected one in a shared library");
    const table = this.reader.window(dynamic.offset, dynamic.fileSize, "dynamic section");
    const needed: number[] = [];
    for (let at = 0; at + elf.DYN_SIZE <= table.length; at += elf.DYN_SIZE) {
      const tag = table.i64(at, "d_tag");
      if (tag === elf.DT_NULL) break;
      if (tag === elf.DT_NEEDED) needed.push(table.u64(at + 8, "DT_NEEDED"));
      else if (READ_TAGS.has(tag) && !this.#tags.has(tag)) this.#tags.set(tag, table.u64(at + 8, "d_val"));
    }
    return needed;
  }

  #readHash(): SymbolHashTable {
    if (this.#tags.has(elf.DT_GNU_HASH)) {
      return readGnuHash(this.reader, this.#fileOffset(elf.DT_GNU_HASH, 16, "DT_GNU_HASH"));
    }
    if (this.#tags.has(elf.DT_HASH)) return readSysvHash(this.reader, this.#fileOffset(elf.DT_HASH, 8, "DT_HASH"));
    return linearSearch(this.#countSymbols());
  }

  /** Without a hash table only the section headers say how long the symbol table is. */
  #countSymbols(): number {
    const { reader } = this;
    const offset = reader.u64(40, "e_shoff");
    const count = offset === 0 ? 0 : reader.u16(60, "e_shnum");
    for (let i = 0; i < count; i++) {
      const header = reader.window(offset + 64 * i, 64, "section header");
      if (header.u32(4, "sh_type") === elf.SHT_DYNSYM) {
        return Math.floor(header.u64(32, "sh_size") / elf.SYM_SIZE);
      }
    }
    this.reader.fail("there is neither DT_GNU_HASH, DT_HASH nor a section of type SHT_DYNSYM to count its symbols by");
  }

  #readVersions(): Map<number, string> {
    const count = this.#tags.get(elf.DT_VERDEFNUM) ?? 0;
    if (count === 0 || !this.#tags.has(elf.DT_VERDEF)) return new Map();
    const offset = this.#fileOffset(elf.DT_VERDEF, 20, "DT_VERDEF");
    return readVersionDefinitions(this.reader, offset, count, (at, field) => this.#string(at, field));
  }

  #versionName(index: number): string | undefined {
    return this.#versions.get((this.#versyms?.u16(2 * index, "versym") ?? 0) & ~elf.VERSYM_HIDDEN);
  }

  /** Defined, global, weak or unique, visible, and not made local by a version script. */
  #isExported(index: number): boolean {
    const at = index * elf.SYM_SIZE;
    if (this.#symbols.u16(at + 6, "st_shndx") === elf.SHN_UNDEF) return false;
    if (this.#symbols.u8(at + 4, "st_info") >> 4 === elf.STB_LOCAL) return false;
    const visibility = this.#symbols.u8(at + 5, "st_other") & 3;
    if (visibility === 1 || visibility === 2) return false; // STV_INTERNAL, STV_HIDDEN
    return this.#versyms === undefined || this.#versyms.u16(2 * index, "versym") !== 0;
  }

  #isNamed(index: number, name: SymbolName): boolean {
    const at = this.#symbols.u32(index * elf.SYM_SIZE, "st_name");
    const { view, start, length } = this.#strings;
    if (at + name.length >= length) return false;
    for (let i = 0; i < name.length; i++) {
      if (view.getUint8(start + at + i) !== name.bytes[name.start + i]) return false;
    }
    return view.getUint8(start + at + name.length) === 0;
  }

  #string(at: number, field: string): string {
    const rest = this.#strings.bytes(at, Math.max(0, this.#strings.length - at), `string of ${field}`);
    const end = rest.indexOf(0);
    if (end < 0) this.reader.fail(`the string of ${field} at ${at} does not end in ${this.#strings.length} bytes`);
    return decoder.decode(rest.subarray(0, end));
  }

  #table(tag: number, size: number, name: string): ByteReader {
    return this.reader.window(this.#fileOffset(tag, size, name), size, name);
  }

  #fileOffset(tag: number, size: number, name: string): number {
    return this.#segments.fileOffset(this.#tag(tag, name), size, name);
  }

  #tag(tag: number, name: string): number {
    const value = this.#tags.get(tag);
    if (value === undefined) this.reader.fail(`the dynamic section has no ${name}`);
    return value;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const READ_TAGS = new Set([
  elf.DT_HASH,
  elf.DT_STRTAB,
  elf.DT_SYMTAB,
  elf.DT_RELA,
  elf.DT_RELASZ,
  elf.DT_RELAENT,
  elf.DT_RELACOUNT,
  elf.DT_STRSZ,
  elf.DT_SYMENT,
  elf.DT_SONAME,
  elf.DT_RELRSZ,
  elf.DT_RELR,
  elf.DT_GNU_HASH,
  elf.DT_VERSYM,
  elf.DT_FLAGS_1,
  elf.DT_VERDEF,
  elf.DT_VERDEFNUM,
]);

function checkHeader(reader: ByteReader): void {
  reader.check(0, elf.EHDR_SIZE, "ELF header");
  const magic = reader.u32(0, "magic");
  if (magic !== 0x464c457f) reader.fail(`the magic is 0x${magic.toString(16)}, expected 0x464c457f ("\\x7fELF")`);
  const elfClass = reader.u8(4, "EI_CLASS");
  if (elfClass !== elf.ELFCLASS64) reader.fail(`EI_CLASS is ${elfClass}, expected ${elf.ELFCLASS64} (64-bit)`);
  const data = reader.u8(5, "EI_DATA");
  if (data !== elf.ELFDATA2LSB) reader.fail(`EI_DATA is ${data}, expected ${elf.ELFDATA2LSB} (little-endian)`);
  const type = reader.u16(16, "e_type");
  if (type !== elf.ET_DYN) reader.fail(`e_type is ${type}, expected ${elf.ET_DYN} (a shared object)`);
  const machine = reader.u16(18, "e_machine");
  if (machine !== elf.EM_X86_64) reader.fail(`e_machine is ${machine}, expected ${elf.EM_X86_64} (x86-64)`);
}
