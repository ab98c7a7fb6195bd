import { alignUp } from "../../bytes/address.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import {
  EHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_REL,
  EV_CURRENT,
  SHDR_SIZE,
  SHT_STRTAB,
} from "./constants.ts";

/** A section to be written, with its header's fields (gABI 4, "Sections"). */
export interface NewSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly alignment: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
  readonly contents: Uint8Array;
}

/**
 * The bytes of a relocatable x86-64 file (gABI 4 and 5): header, contents, section headers. Section 0 comes before the given ones, the table
 * of the sections' names behind them.
 */
export function writeRelocatable(sections: readonly NewSection[]): Uint8Array {
  const names = new StringTable();
  const all = [
    ...sections,
    { name: ".shstrtab", type: SHT_STRTAB, flags: 0, alignment: 1, contents: new Uint8Array(0) },
  ];
  const headers = new ByteWriter(SHDR_SIZE * (all.length + 1)).zeros(SHDR_SIZE);
  const body = new ByteWriter(4096).zeros(EHDR_SIZE);
  const positions = all.map(({ name }) => names.add(name));
  for (const [i, section] of all.entries()) {
    const contents = i === sections.length ? names.bytes : section.contents;
    body.align(Math.max(section.alignment, 1));
    headers.u32(positions[i]!).u32(section.type).u64(section.flags).u64(0).u64(body.length).u64(contents.length);
    const { link = 0, info = 0, alignment, entrySize = 0 } = section;
    headers.u32(link).u32(info).u64(alignment).u64(entrySize);
    body.raw(contents);
  }
  const sectionTable = alignUp(body.length, 8);
  body.align(8).raw(headers.bytes);
  const { bytes } = body;
  const header = new ByteWriter(EHDR_SIZE).u32(0x464c457f).u8(ELFCLASS64).u8(ELFDATA2LSB).u8(EV_CURRENT).zeros(9);
  header.u16(ET_REL).u16(EM_X86_64).u32(EV_CURRENT).u64(0).u64(0).u64(sectionTable).u32(0);
  header
    .u16(EHDR_SIZE)
    .u16(0)
    .u16(0)
    .u16(SHDR_SIZE)
    .u16(all.length + 1)
    .u16(all.length);
  bytes.set(header.bytes, 0);
  return bytes;
}

/** A string table (gABI 4, "String Table"). */
export class StringTable {
  readonly #out = new ByteWriter().u8(0);
  readonly #encoder = new TextEncoder();

  /** Position of the name. */
  add(name: string): number {
    const at = this.#out.length;
    this.#out.raw(this.#encoder.encode(name)).u8(0);
    return at;
  }

  get bytes(): Uint8Array {
    return this.#out.bytes;
  }
}
