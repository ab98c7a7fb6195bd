import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { SymbolStringPool } from "../../graph/symbol-string-pool.ts";
import { SHDR_SIZE, SHN_COMMON, SHN_UNDEF, SHN_X86_64_LCOMMON, SHT_SYMTAB, SYM_SIZE } from "./constants.ts";
import { readElfHeader } from "./header.ts";

/**
 * Interned names of the global symbols that a relocatable file defines, read from its symbol table alone: what an archive's
 * index would say of it; `commons` says whether common symbols count. Things that are no objects define nothing.
 */
export function definedNames(reader: ByteReader, pool: SymbolStringPool, { commons = true } = {}): number[] {
  const names: number[] = [];
  if (reader.length < 4 || reader.u32(0, "magic") !== 0x464c457f) return names;
  const header = readElfHeader(reader);
  for (let index = 1; index < header.sectionCount; index++) {
    const at = header.sectionTable + index * SHDR_SIZE;
    if (reader.u32(at + 4, "sh_type") !== SHT_SYMTAB) continue;
    const table = reader.window(reader.u64(at + 24, "sh_offset"), reader.u64(at + 32, "sh_size"), "symbol table");
    const link = reader.u32(at + 40, "sh_link");
    if (link >= header.sectionCount)
      reader.fail(`symbol table: sh_link is ${link}, the file has ${header.sectionCount} sections`);
    const linked = header.sectionTable + link * SHDR_SIZE;
    const strings = reader.window(
      reader.u64(linked + 24, "sh_offset"),
      reader.u64(linked + 32, "sh_size"),
      "symbol name table",
    );
    if (strings.length === 0 || strings.u8(strings.length - 1, "symbol name table") !== 0) {
      reader.fail("symbol name table does not end with NUL");
    }
    for (let symbol = reader.u32(at + 44, "sh_info"); symbol < Math.floor(table.length / SYM_SIZE); symbol++) {
      const entry = symbol * SYM_SIZE;
      const section = table.u16(entry + 6, "st_shndx");
      if (section === SHN_UNDEF || (!commons && (section === SHN_COMMON || section === SHN_X86_64_LCOMMON))) continue;
      const name = table.u32(entry, "st_name");
      strings.check(name, 1, "st_name");
      names.push(pool.intern(reader.view, strings.start + name, strings.start + strings.length));
    }
  }
  return names;
}
