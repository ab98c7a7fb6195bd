import type { ByteReader } from "../../bytes/byte-reader.ts";
import { EHDR_SIZE, ELFCLASS64, ELFDATA2LSB, EM_X86_64, ET_REL, SHDR_SIZE } from "./constants.ts";
import { machineName } from "./machines.ts";

/** What the link needs of an ELF header (gABI 4, "ELF Header"). */
export interface ElfHeader {
  readonly sectionTable: number;
  readonly sectionCount: number;
  readonly sectionNames: number;
}

/** Reads and checks the header of a relocatable x86-64 file; anything else is an ObjectFormatError that says what it is. */
export function readElfHeader(reader: ByteReader): ElfHeader {
  if (reader.length < EHDR_SIZE) {
    reader.fail(`ELF header needs ${EHDR_SIZE} bytes, the file has ${reader.length}`);
  }
  if (reader.u32(0, "e_ident") !== 0x464c457f) reader.fail("not an ELF file: bad magic number");
  const elfClass = reader.u8(4, "EI_CLASS");
  if (elfClass !== ELFCLASS64) {
    reader.fail(`ELF class is ${elfClass === 1 ? "32-bit" : elfClass}, expected 64-bit (${ELFCLASS64})`);
  }
  const data = reader.u8(5, "EI_DATA");
  if (data !== ELFDATA2LSB) reader.fail(`byte order is ${data === 2 ? "big-endian" : data}, expected little-endian`);
  const version = reader.u8(6, "EI_VERSION");
  if (version !== 1) reader.fail(`ELF version is ${version}, expected 1`);
  const machine = reader.u16(18, "e_machine");
  if (machine !== EM_X86_64) {
    reader.fail(`machine is ${machineName(machine) ?? "unknown"} (${machine}), expected x86-64 (${EM_X86_64})`);
  }
  const type = reader.u16(16, "e_type");
  if (type !== ET_REL) reader.fail(`file type is ${type}, expected a relocatable file (${ET_REL})`);
  const sectionTable = reader.u64(40, "e_shoff");
  if (sectionTable === 0) reader.fail("no section header table");
  const entrySize = reader.u16(58, "e_shentsize");
  if (entrySize !== SHDR_SIZE) reader.fail(`e_shentsize is ${entrySize}, expected ${SHDR_SIZE}`);
  reader.check(sectionTable, SHDR_SIZE, "section header table");
  // Counts that do not fit their 16-bit fields live in section 0 (gABI 4, "Sections").
  const count = reader.u16(60, "e_shnum") || reader.u64(sectionTable + 32, "sh_size of section 0");
  const names = reader.u16(62, "e_shstrndx");
  const sectionNames = names === 0xffff ? reader.u32(sectionTable + 40, "sh_link of section 0") : names;
  reader.check(sectionTable, count * SHDR_SIZE, `section header table of ${count} entries`);
  if (sectionNames >= count) reader.fail(`e_shstrndx is ${sectionNames}, the file has ${count} sections`);
  return { sectionTable, sectionCount: count, sectionNames };
}
