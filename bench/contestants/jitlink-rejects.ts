import { Archive } from "../../src/formats/archive.ts";
import { readingOpener } from "../../src/inputs/file-opener.ts";

/**
 * Relocation types (psABI for x86-64, table 4.9) that LLVM 22's JITLink answers by "Unsupported x86-64 relocation type":
 * all of thread-local storage but TLSGD, and sizes.
 */
const unsupported: ReadonlySet<number> = new Set([17, 18, 20, 21, 22, 23, 32, 33, 34, 35, 36]);

const SHT_RELA = 4;
const SHDR_SIZE = 64;
const RELA_SIZE = 24;

/**
 * Members that llvm-jitlink rejects. They are looked for, as it may well hang when it meets one: it waits for an
 * executor that has ended.
 */
export function rejectedMembers(archive: string): Set<string> {
  const names = new Set<string>();
  for (const member of Archive.read(readingOpener.open(archive), readingOpener.open).members()) {
    const { view, start, length } = member.window();
    const own = new DataView(view.buffer, view.byteOffset + start, length);
    if (hasUnsupported(own)) names.add(member.name);
  }
  return names;
}

/** Reads compilers' objects as they come in packages: ELF64, little-endian, fewer than 65280 sections. */
function hasUnsupported(view: DataView): boolean {
  if (view.byteLength < 64 || view.getUint32(0, false) !== 0x7f454c46) return false;
  const headers = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  for (let at = headers; at < headers + SHDR_SIZE * count; at += SHDR_SIZE) {
    if (view.getUint32(at + 4, true) !== SHT_RELA) continue;
    const start = Number(view.getBigUint64(at + 24, true));
    const end = start + Number(view.getBigUint64(at + 32, true));
    for (let entry = start; entry < end; entry += RELA_SIZE) {
      if (unsupported.has(view.getUint32(entry + 8, true))) return true;
    }
  }
  return false;
}
