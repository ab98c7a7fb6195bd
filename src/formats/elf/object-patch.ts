import type { ByteReader } from "../../bytes/byte-reader.ts";
import { setWord64 } from "../../bytes/word.ts";
import {
  SHDR_SIZE,
  SHF_ALLOC,
  SHN_ABS,
  SHN_UNDEF,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STB_GLOBAL,
  STT_NOTYPE,
  STV_DEFAULT,
  STV_HIDDEN,
  SYM_SIZE,
} from "./constants.ts";
import { type ElfHeader, readElfHeader } from "./header.ts";

/** A symbol that a section of the file defines. */
export interface DefinedSymbol {
  readonly name: string;
  /** Index of the section in the file. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
  /** ELF st_info. */
  readonly info: number;
}

/**
 * A copy of a relocatable file whose symbols and relocation entries are changed, so that a link of it does something else. The tables
 * of symbols and of their names move to the end of the copy; everything else stays where it is. The file has been read by
 * `buildLinkGraph` before, which checks it.
 */
export class ObjectPatch {
  readonly #reader: ByteReader;
  readonly #header: ElfHeader;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #symbolTable: number;
  #symbols: Uint8Array<ArrayBuffer>;
  #symbolCount: number;
  readonly #names: number[] = [];
  #nameSize: number;
  readonly #encoder = new TextEncoder();
  readonly #firstNames: Uint8Array;
  readonly #undefinedNames = new Map<string, number>();
  readonly #absolutes = new Map<number, number>();

  /** Errors: ObjectFormatError for a file with more sections than fit 16-bit indices, or without symbols. */
  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.#header = readElfHeader(reader);
    this.#bytes = reader.bytes(0, reader.length, "file").slice();
    this.#view = new DataView(this.#bytes.buffer);
    let table = 0;
    for (let index = 1; index < this.#header.sectionCount; index++) {
      const type = this.#view.getUint32(this.#headerAt(index) + 4, true);
      if (type === SHT_SYMTAB) table = index;
      if (type === SHT_SYMTAB_SHNDX) {
        reader.fail(`cannot be replaced: it has ${this.#header.sectionCount} sections, more than ${0xff00 - 1}`);
      }
    }
    if (table === 0) reader.fail("cannot be replaced: it has no symbol table");
    this.#symbolTable = table;
    this.#symbols = this.#contents(table);
    this.#symbolCount = this.#symbols.length / SYM_SIZE;
    this.#firstNames = this.#contents(this.#view.getUint32(this.#headerAt(table) + 40, true));
    this.#nameSize = this.#firstNames.length;
  }

  /** Makes symbol `index` a plain reference to its name. */
  undefine(index: number, binding = STB_GLOBAL, type = STT_NOTYPE): void {
    this.#write(index, (binding << 4) | type, STV_DEFAULT, SHN_UNDEF, 0, 0);
  }

  /** Makes symbol `index` an address that is not seen from outside the link job; a local symbol stays one. */
  makeAbsolute(index: number, address: number, binding = STB_GLOBAL): void {
    this.#write(index, (binding << 4) | STT_NOTYPE, STV_HIDDEN, SHN_ABS, address, 0);
  }

  /** Adds a symbol that is not seen from outside the link job, and gives its index. */
  define({ name, section, value, size, info }: DefinedSymbol): number {
    return this.#add(name, info, STV_HIDDEN, section, value, size);
  }

  /** Index of a reference to a name. */
  reference(name: string): number {
    const known = this.#undefinedNames.get(name);
    if (known !== undefined) return known;
    const index = this.#add(name, (STB_GLOBAL << 4) | STT_NOTYPE, STV_DEFAULT, SHN_UNDEF, 0, 0);
    this.#undefinedNames.set(name, index);
    return index;
  }

  /** Index of a symbol with this address; `prefix` makes its name one of this file's. */
  absolute(address: number, prefix: string): number {
    const known = this.#absolutes.get(address);
    if (known !== undefined) return known;
    const info = (STB_GLOBAL << 4) | STT_NOTYPE;
    const index = this.#add(`${prefix}${address.toString(16)}`, info, STV_HIDDEN, SHN_ABS, address, 0);
    this.#absolutes.set(address, index);
    return index;
  }

  /** Changes the symbol of the relocation entry at `position` of the file's view, and its addend if there is one to change. */
  point(position: number, symbol: number, addend?: number): void {
    const at = position - this.#reader.start;
    this.#view.setUint32(at + 12, symbol, true);
    if (addend !== undefined) setWord64(this.#view, at + 16, addend);
  }

  /** Takes a section, by its index, out of the program's memory. */
  dropSection(index: number): void {
    const flags = this.#headerAt(index) + 8;
    this.#view.setUint32(flags, this.#view.getUint32(flags, true) & ~SHF_ALLOC, true);
  }

  /** The file as it is now. */
  finish(): Uint8Array<ArrayBuffer> {
    const names = new Uint8Array(this.#nameSize);
    names.set(this.#firstNames);
    names.set(this.#names, this.#firstNames.length);
    const symbols = this.#symbols.subarray(0, SYM_SIZE * this.#symbolCount);
    const start = this.#bytes.length + (-this.#bytes.length & 7);
    const file = new Uint8Array(start + symbols.length + names.length);
    file.set(this.#bytes);
    file.set(symbols, start);
    file.set(names, start + symbols.length);
    const view = new DataView(file.buffer);
    const header = this.#headerAt(this.#symbolTable);
    const place = (at: number, position: number, size: number): void => {
      setWord64(view, at + 24, position);
      setWord64(view, at + 32, size);
    };
    place(header, start, symbols.length);
    place(this.#headerAt(view.getUint32(header + 40, true)), start + symbols.length, names.length);
    return file;
  }

  #add(name: string, info: number, other: number, section: number, value: number, size: number): number {
    const index = this.#symbolCount++;
    if (SYM_SIZE * this.#symbolCount > this.#symbols.length) {
      const larger = new Uint8Array(2 * SYM_SIZE * this.#symbolCount);
      larger.set(this.#symbols);
      this.#symbols = larger;
    }
    const text = this.#encoder.encode(name);
    new DataView(this.#symbols.buffer).setUint32(SYM_SIZE * index, this.#nameSize, true);
    for (const byte of text) this.#names.push(byte);
    this.#names.push(0);
    this.#nameSize += text.length + 1;
    this.#write(index, info, other, section, value, size);
    return index;
  }

  /** All of a symbol but its name. */
  #write(index: number, info: number, other: number, section: number, value: number, size: number): void {
    const view = new DataView(this.#symbols.buffer);
    const at = SYM_SIZE * index;
    view.setUint8(at + 4, info);
    view.setUint8(at + 5, other);
    view.setUint16(at + 6, section, true);
    setWord64(view, at + 8, value);
    setWord64(view, at + 16, size);
  }

  #headerAt(index: number): number {
    return this.#header.sectionTable + SHDR_SIZE * index;
  }

  #contents(index: number): Uint8Array<ArrayBuffer> {
    const at = this.#headerAt(index);
    const offset = this.#reader.u64(at + 24, "sh_offset");
    return this.#bytes.slice(offset, offset + this.#reader.u64(at + 32, "sh_size"));
  }
}
