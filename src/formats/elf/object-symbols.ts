import type { ByteReader } from "../../bytes/byte-reader.ts";
import {
  SHDR_SIZE,
  SHN_COMMON,
  SHN_UNDEF,
  SHN_X86_64_LCOMMON,
  SHT_SYMTAB,
  STB_WEAK,
  STT_TLS,
  SYM_SIZE,
} from "./constants.ts";
import { readElfHeader } from "./header.ts";

/** A global symbol of a relocatable file. */
export interface ObjectSymbol {
  readonly name: string;
  readonly isDefined: boolean;
  /** Weak, or of a definition common. */
  readonly isWeak: boolean;
  readonly isThreadLocal: boolean;
}

const decoder = new TextDecoder();

/**
 * The global symbols of a relocatable file, by its symbol table alone; a definition `foo@@VER` is one of `foo` and `foo@VER` too.
 * Errors: ObjectFormatError for what is no object or is damaged.
 */
export function objectSymbols(reader: ByteReader): ObjectSymbol[] {
  const symbols: ObjectSymbol[] = [];
  const header = readElfHeader(reader);
  for (let index = 1; index < header.sectionCount; index++) {
    const at = header.sectionTable + index * SHDR_SIZE;
    if (reader.u32(at + 4, "sh_type") !== SHT_SYMTAB) continue;
    const table = windowOf(reader, at, "symbol table");
    const link = reader.u32(at + 40, "sh_link");
    if (link >= header.sectionCount)
      reader.fail(`symbol table: sh_link is ${link}, the file has ${header.sectionCount} sections`);
    const strings = windowOf(reader, header.sectionTable + link * SHDR_SIZE, "symbol name table");
    for (let symbol = reader.u32(at + 44, "sh_info"); symbol < Math.floor(table.length / SYM_SIZE); symbol++) {
      const entry = symbol * SYM_SIZE;
      const info = table.u8(entry + 4, "st_info");
      const section = table.u16(entry + 6, "st_shndx");
      const isCommon = section === SHN_COMMON || section === SHN_X86_64_LCOMMON;
      const name = nameAt(strings, table.u32(entry, "st_name"));
      const traits = {
        isDefined: section !== SHN_UNDEF,
        isWeak: info >> 4 === STB_WEAK || isCommon,
        isThreadLocal: (info & 0xf) === STT_TLS,
      };
      const mark = name.indexOf("@@");
      const names = mark > 0 ? [name.slice(0, mark), `${name.slice(0, mark)}${name.slice(mark + 1)}`] : [name];
      for (const each of names) symbols.push({ name: each, ...traits });
    }
  }
  return symbols;
}

function windowOf(reader: ByteReader, header: number, what: string): ByteReader {
  return reader.window(reader.u64(header + 24, "sh_offset"), reader.u64(header + 32, "sh_size"), what);
}

function nameAt(strings: ByteReader, offset: number): string {
  strings.check(offset, 1, "st_name");
  const bytes = strings.bytes(offset, strings.length - offset, "st_name");
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
