import { relocationRow } from "../../arch/x86_64.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import { setWord64 } from "../../bytes/word.ts";
import { RELA_SIZE } from "./constants.ts";

/** sizeof(Elf64_Rel): r_offset, r_info. */
export const REL_SIZE = 16;

/** Gives entries without addends (SHT_REL; gABI 4, "Relocation") the form of Elf64_Rela, with addends of 0. */
export function expandRel(reader: ByteReader): DataView {
  const count = reader.length / REL_SIZE;
  const view = new DataView(new ArrayBuffer(count * RELA_SIZE));
  for (let i = 0; i < count; i++) {
    setWord64(view, i * RELA_SIZE, reader.u64(i * REL_SIZE, "r_offset"));
    view.setUint32(i * RELA_SIZE + 8, reader.u32(i * REL_SIZE + 8, "r_info"), true);
    view.setUint32(i * RELA_SIZE + 12, reader.u32(i * REL_SIZE + 12, "r_info"), true);
  }
  return view;
}

/**
 * Takes the addends of Elf64_Rela entries from the fields that they relocate, as signed numbers of the field's width. Fields of unknown types
 * or outside `contents` are left to whoever applies them, who refuses them.
 */
export function readImplicitAddends(entries: DataView, contents: ByteReader): void {
  const { view, start, length } = contents;
  for (let at = 0; at < entries.byteLength; at += RELA_SIZE) {
    const size = relocationRow(entries.getUint32(at + 8, true))?.size ?? 0;
    const offset = entries.getUint32(at, true);
    if (size === 0 || entries.getUint32(at + 4, true) !== 0 || offset + size > length) continue;
    const field = start + offset;
    if (size === 8) entries.setBigInt64(at + 16, view.getBigInt64(field, true), true);
    else if (size === 4) setWord64(entries, at + 16, view.getInt32(field, true));
    else setWord64(entries, at + 16, size === 2 ? view.getInt16(field, true) : view.getInt8(field));
  }
}
