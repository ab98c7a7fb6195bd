import type { ByteReader } from "../../bytes/byte-reader.ts";
import { VER_FLG_BASE } from "./constants.ts";

/**
 * Names of the versions that a library defines, by version number. The table at file offset `offset` is a chain of
 * Verdef {version, flags, ndx, cnt: u16; hash, aux, next: u32}, each with its name in its first Verdaux {name, next}.
 * Specification: Linux Standard Base, "Symbol Versioning".
 */
export function readVersionDefinitions(
  reader: ByteReader,
  offset: number,
  count: number,
  stringAt: (offset: number, field: string) => string,
): Map<number, string> {
  const names = new Map<number, string>();
  let at = offset;
  for (let i = 0; i < count; i++) {
    const flags = reader.u16(at + 2, "vd_flags");
    const number = reader.u16(at + 4, "vd_ndx");
    const name = reader.u32(at + reader.u32(at + 12, "vd_aux"), "vda_name");
    if ((flags & VER_FLG_BASE) === 0) names.set(number & 0x7fff, stringAt(name, "vda_name"));
    const next = reader.u32(at + 16, "vd_next");
    if (next === 0) break;
    if (next < 20) reader.fail(`vd_next is ${next}, expected 0 or at least 20`);
    at += next;
  }
  return names;
}
