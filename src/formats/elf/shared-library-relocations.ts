import { R_X86_64_RELATIVE } from "../../arch/x86_64.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import { RELA_SIZE } from "./constants.ts";

/** One thing the loader does to a library's data: at `address`, `type` with the dynamic symbol and the addend. */
export interface DynamicRelocation {
  readonly address: number;
  /** R_X86_64_…, psABI table 4.9. */
  readonly type: number;
  /** Index of a dynamic symbol, 0 for none. */
  readonly symbolIndex: number;
  readonly addend: number;
}

/** Appends the RELA entries of the table at file offset `offset` whose address is in `[start, end)`. */
export function collectRela(
  reader: ByteReader,
  offset: number,
  size: number,
  start: number,
  end: number,
  found: DynamicRelocation[],
): void {
  if (size % RELA_SIZE !== 0) reader.fail(`DT_RELASZ is ${size}, expected a multiple of ${RELA_SIZE}`);
  const table = reader.window(offset, size, "DT_RELA table");
  for (let at = 0; at < size; at += RELA_SIZE) {
    const address = table.u64(at, "r_offset");
    if (address < start || address >= end) continue;
    found.push({
      address,
      type: table.u32(at + 8, "r_info type"),
      symbolIndex: table.u32(at + 12, "r_info symbol"),
      addend: table.i64(at + 16, "r_addend"),
    });
  }
}

/**
 * Appends the packed relative relocations (DT_RELR) in `[start, end)`, as R_X86_64_RELATIVE with the addend that
 * stands in the data. An even word is an address; an odd one is a bitmap of the 63 words that follow.
 */
export function collectRelr(
  reader: ByteReader,
  offset: number,
  size: number,
  start: number,
  end: number,
  addendAt: (address: number) => number,
  found: DynamicRelocation[],
): void {
  if (size % 8 !== 0) reader.fail(`DT_RELRSZ is ${size}, expected a multiple of 8`);
  const table = reader.window(offset, size, "DT_RELR table");
  const add = (address: number) => {
    if (address < start || address >= end) return;
    found.push({ address, type: R_X86_64_RELATIVE, symbolIndex: 0, addend: addendAt(address) });
  };
  let base = 0;
  for (let at = 0; at < size; at += 8) {
    const low = table.u32(at, "DT_RELR word");
    if ((low & 1) === 0) {
      const address = table.u64(at, "DT_RELR address");
      add(address);
      base = address + 8;
      continue;
    }
    const high = table.u32(at + 4, "DT_RELR word");
    for (let i = 1; i < 64; i++) {
      if (((i < 32 ? low >>> i : high >>> (i - 32)) & 1) !== 0) add(base + 8 * (i - 1));
    }
    base += 8 * 63;
  }
}
