import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { detectFormat } from "../../src/formats/detect.ts";

function elf(type: number, bigEndian = false): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, bigEndian ? 2 : 1, 1]);
  if (bigEndian) bytes.writeUInt16BE(type, 16);
  else bytes.writeUInt16LE(type, 16);
  return bytes;
}

describe("a file's format is known by its first bytes", () => {
  for (const [name, bytes, format] of [
    ["ET_REL", elf(1), "elf-relocatable"],
    ["ET_REL, big-endian", elf(1, true), "elf-relocatable"],
    ["ET_EXEC", elf(2), "elf-executable"],
    ["ET_DYN", elf(3), "elf-shared"],
    ["ET_CORE", elf(4), "unknown"],
    ["ELF cut off before e_type", elf(1).subarray(0, 17), "unknown"],
    ["archive", Buffer.from("!<arch>\n"), "archive"],
    ["thin archive", Buffer.from("!<thin>\n/"), "thin-archive"],
    ["LLVM bitcode", Buffer.from([0x42, 0x43, 0xc0, 0xde, 0x35]), "bitcode"],
    ["LLVM bitcode in its wrapper", Buffer.from([0xde, 0xc0, 0x17, 0x0b, 0]), "bitcode"],
    ["Mach-O, 64-bit", Buffer.from([0xcf, 0xfa, 0xed, 0xfe, 7]), "mach-o"],
    ["Mach-O, universal", Buffer.from([0xca, 0xfe, 0xba, 0xbe, 0]), "mach-o"],
    ["COFF for x86-64", Buffer.from([0x64, 0x86, 3, 0]), "coff"],
    ["COFF, big", Buffer.from([0, 0, 0xff, 0xff]), "coff"],
    ["PE", Buffer.from("MZ\x90\0", "latin1"), "coff"],
    ["linker script", Buffer.from("/* GNU ld script */\n"), "text"],
    ["text in UTF-8", Buffer.from("/* é */"), "text"],
    ["text in Latin-1", Buffer.from("/* \xe9 */", "latin1"), "text"],
    ["a NUL among text", Buffer.from("INPUT\0"), "unknown"],
    ["a NUL behind the first 512 characters", Buffer.from(`${"x".repeat(512)}\0`), "text"],
    ["nothing", Buffer.alloc(0), "unknown"],
    ["zeros", Buffer.alloc(64), "unknown"],
  ] as const) {
    test(`${name}: ${format}`, () => assert.equal(detectFormat(ByteReader.of(bytes, "x")), format));
  }
});
