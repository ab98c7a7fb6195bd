import type { ByteReader } from "../bytes/byte-reader.ts";
import { detectFormat, type FileFormat } from "../formats/detect.ts";
import { machineName } from "../formats/elf/machines.ts";

/**
 * Refuses, in one sentence that says what the file is instead, everything that is no relocatable ELF64 x86-64 object
 * with machine code in it. For objects by themselves and for members of archives.
 */
export function checkObject(reader: ByteReader, format: FileFormat = detectFormat(reader)): void {
  if (format !== "elf-relocatable") refuse(reader, format, "a relocatable object");
  checkMachine(reader);
  if (isLtoOnly(reader)) {
    reader.fail(
      "holds only gcc's LTO intermediate code, no machine code; recompile without -flto, or with -ffat-lto-objects",
    );
  }
}

/** Throws for a format that cannot be linked; `expected` is what stands here instead. */
export function refuse(reader: ByteReader, format: FileFormat, expected: string): never {
  if (reader.length === 0) reader.fail(`is empty, expected ${expected}`);
  if (format === "bitcode") {
    reader.fail("holds LLVM bitcode, no machine code; recompile without -flto, or with -ffat-lto-objects");
  }
  if (format === "unknown" && reader.length >= 20 && reader.u32(0, "magic") === 0x464c457f) {
    // ELF all the same: say what about it is odd.
    checkMachine(reader);
    reader.fail(`is ELF with e_type ${reader.u16(16, "e_type")}, expected ${expected}`);
  }
  reader.fail(`is ${DESCRIPTIONS[format]}, expected ${expected}`);
}

const DESCRIPTIONS: Record<FileFormat, string> = {
  "elf-relocatable": "a relocatable ELF object",
  "elf-shared": "an ELF shared object",
  "elf-executable": "an executable (ET_EXEC)",
  archive: "an archive",
  "thin-archive": "a thin archive",
  bitcode: "LLVM bitcode",
  text: "text",
  "mach-o": "a Mach-O file (macOS)",
  coff: "a COFF or PE file (Windows)",
  unknown: "in no known format",
};

/** Requires ELF64, little-endian, x86-64, and names what it is otherwise. */
export function checkMachine(reader: ByteReader): void {
  const elfClass = reader.u8(4, "EI_CLASS");
  const data = reader.u8(5, "EI_DATA");
  reader.check(18, 2, "e_machine");
  const machine = reader.view.getUint16(reader.start + 18, data !== 2);
  const name = machineName(machine) ?? "an unknown machine";
  const order = data === 2 ? ", big-endian (EI_DATA 2)" : "";
  if (machine !== 62) reader.fail(`is for ${name} (e_machine ${machine})${order}, expected x86-64 (62)`);
  if (elfClass !== 2) {
    const detail = elfClass === 1 ? "32-bit, for the x32 ABI (EI_CLASS 1)" : `of EI_CLASS ${elfClass}`;
    reader.fail(`is ${detail}, expected 64-bit (2)`);
  }
  if (data !== 1) reader.fail(`has EI_DATA ${data}, expected 1 (little-endian)`);
}

/**
 * Whether gcc -flto left no machine code in an object. Since gcc 10 such objects have a section `.gnu.lto_.lto.HASH`
 * that says so: {major, minor: u16; slim: u8; …}. Anything odd in the headers is left to the object reader to report.
 */
function isLtoOnly(reader: ByteReader): boolean {
  if (reader.length < 64) return false;
  const { view, start, length } = reader;
  const table = reader.u64(40, "e_shoff");
  const count = reader.u16(60, "e_shnum");
  const names = reader.u16(62, "e_shstrndx");
  if (names >= count || table + 64 * count > length || reader.u16(58, "e_shentsize") !== 64) return false;
  const strings = reader.u64(table + 64 * names + 24, "sh_offset");
  for (let i = 1; i < count; i++) {
    const header = start + table + 64 * i;
    const name = strings + view.getUint32(header, true);
    if (name + LTO_SECTION.length > length || view.getUint32(start + name, true) !== 0x756e672e) continue; // ".gnu"
    if (!startsWith(reader, name, LTO_SECTION)) continue;
    const contents = reader.u64(table + 64 * i + 24, "sh_offset");
    return contents + 5 <= length && reader.u8(contents + 4, "slim") === 1;
  }
  return false;
}

const LTO_SECTION = ".gnu.lto_.lto.";

function startsWith(reader: ByteReader, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (reader.view.getUint8(reader.start + offset + i) !== text.charCodeAt(i)) return false;
  }
  return true;
}
