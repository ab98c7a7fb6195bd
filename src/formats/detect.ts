import type { ByteReader } from "../bytes/byte-reader.ts";

/** What a file is, judged by its first bytes (and, for ELF, by e_type). */
export type FileFormat =
  | "elf-relocatable"
  | "elf-shared"
  | "elf-executable"
  | "archive"
  | "thin-archive"
  | "bitcode"
  | "text"
  | "mach-o"
  | "coff"
  | "unknown";

/** How much of a file is looked at before it is called text. */
const TEXT_PROBE = 512;

/**
 * Names the format of `reader` from at most its first 512 bytes. It never throws: what is too short or unknown is
 * "unknown". ELF of any class and machine is reported by its e_type; a position-independent executable is "elf-shared",
 * since only its dynamic section tells it apart.
 */
export function detectFormat(reader: ByteReader): FileFormat {
  const head = reader.bytes(0, Math.min(reader.length, TEXT_PROBE), "first bytes");
  if (startsWith(head, "\x7fELF")) return elfFormat(head);
  if (startsWith(head, "!<arch>\n")) return "archive";
  if (startsWith(head, "!<thin>\n")) return "thin-archive";
  if (head.length >= 4) {
    const magic = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
    if (magic === 0x4243c0de || magic === 0xdec0170b) return "bitcode"; // "BC" 0xC0DE; its wrapper
    if (MACH_O_MAGICS.has(magic)) return "mach-o";
    // A COFF object has no magic but its machine field (little-endian, first); 0x0000ffff opens a big or import object.
    if (COFF_MACHINES.has(magic >>> 16) || magic === 0x0000ffff || startsWith(head, "MZ")) return "coff";
  }
  return isText(head) ? "text" : "unknown";
}

/** 32-bit, 64-bit and universal, in both byte orders. */
const MACH_O_MAGICS = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe, 0xbebafeca, 0xcafebabf]);

/** IMAGE_FILE_MACHINE_AMD64, I386, ARM64, ARMNT as their two bytes stand in the file. */
const COFF_MACHINES = new Set([0x6486, 0x4c01, 0x64aa, 0xc401]);

function elfFormat(head: Uint8Array): FileFormat {
  if (head.length < 18) return "unknown";
  const bigEndian = head[5] === 2; // EI_DATA
  const type = bigEndian ? (head[16] << 8) | head[17] : (head[17] << 8) | head[16];
  if (type === 1) return "elf-relocatable"; // ET_REL
  if (type === 2) return "elf-executable"; // ET_EXEC
  return type === 3 ? "elf-shared" : "unknown"; // ET_DYN
}

function startsWith(head: Uint8Array, magic: string): boolean {
  if (head.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (head[i] !== magic.charCodeAt(i)) return false;
  return true;
}

/** Printable ASCII, white space, or bytes of 0x80 and more (UTF-8, Latin-1 in comments). */
function isText(head: Uint8Array): boolean {
  if (head.length === 0) return false;
  for (const byte of head) {
    const control = byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d);
    if (control || byte === 0x7f) return false;
  }
  return true;
}
