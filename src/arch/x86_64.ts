// x86-64, System V psABI version 1.0, section 4.4.1 "Relocation Types", table 4.9 and 4.10.
//
// What is special here: all relocations carry their addend (RELA); branches and RIP-relative operands reach ±2 GiB, so that
// libraries far away need a stub (`jmp *slot(%rip)`) or a GOT entry; loads from the GOT marked GOTPCRELX may be rewritten to
// direct forms when the symbol is near (psABI B.2); thread-local sequences are fixed byte patterns that the linker may replace
// by shorter ones ("ELF Handling For Thread-Local Storage", 5.5).

import { type RelocationRow, row } from "./relocation-row.ts";

export const R_X86_64_NONE = 0;
export const R_X86_64_64 = 1;
export const R_X86_64_PC32 = 2;
export const R_X86_64_PLT32 = 4;
export const R_X86_64_GLOB_DAT = 6;
export const R_X86_64_JUMP_SLOT = 7;
export const R_X86_64_RELATIVE = 8;
export const R_X86_64_GOTPCREL = 9;
export const R_X86_64_32 = 10;
export const R_X86_64_32S = 11;
export const R_X86_64_DTPMOD64 = 16;
export const R_X86_64_DTPOFF64 = 17;
export const R_X86_64_TPOFF64 = 18;
export const R_X86_64_TLSGD = 19;
export const R_X86_64_TLSLD = 20;
export const R_X86_64_DTPOFF32 = 21;
export const R_X86_64_GOTTPOFF = 22;
export const R_X86_64_TPOFF32 = 23;
export const R_X86_64_PC64 = 24;
export const R_X86_64_PLTOFF64 = 31;
export const R_X86_64_GOTPC32_TLSDESC = 34;
export const R_X86_64_TLSDESC_CALL = 35;
export const R_X86_64_GOTPCRELX = 41;
export const R_X86_64_REX_GOTPCRELX = 42;
export const R_X86_64_CODE_4_GOTPCRELX = 43;
export const R_X86_64_CODE_4_GOTTPOFF = 44;
export const R_X86_64_CODE_4_GOTPC32_TLSDESC = 45;
export const R_X86_64_CODE_5_GOTPC32_TLSDESC = 48;
export const R_X86_64_CODE_6_GOTPC32_TLSDESC = 51;
/** Hints of g++'s -fvtable-gc for linkers that drop unused virtual functions; they change nothing. */
export const R_X86_64_GNU_VTINHERIT = 250;
export const R_X86_64_GNU_VTENTRY = 251;

/** Every relocation type that a relocatable file may carry. GOTTPOFF and GOTDTP stand for the address of the GOT entry that holds them. */
export const relocationRows: readonly RelocationRow[] = [
  row(1, "R_X86_64_64", "S + A", 8, "any"),
  row(2, "R_X86_64_PC32", "S + A - P", 4, "signed"),
  row(3, "R_X86_64_GOT32", "G + A", 4, "signed"),
  row(4, "R_X86_64_PLT32", "L + A - P", 4, "signed"),
  row(9, "R_X86_64_GOTPCREL", "G + GOT + A - P", 4, "signed"),
  row(10, "R_X86_64_32", "S + A", 4, "unsigned"),
  row(11, "R_X86_64_32S", "S + A", 4, "signed"),
  row(12, "R_X86_64_16", "S + A", 2, "either"),
  row(13, "R_X86_64_PC16", "S + A - P", 2, "signed"),
  row(14, "R_X86_64_8", "S + A", 1, "either"),
  row(15, "R_X86_64_PC8", "S + A - P", 1, "signed"),
  row(16, "R_X86_64_DTPMOD64", "DTPMOD", 8, "any"),
  row(17, "R_X86_64_DTPOFF64", "DTPOFF + A", 8, "any"),
  row(18, "R_X86_64_TPOFF64", "TPOFF + A", 8, "any"),
  row(19, "R_X86_64_TLSGD", "GOTDTP + A - P", 4, "signed"),
  row(20, "R_X86_64_TLSLD", "GOTLD + A - P", 4, "signed"),
  row(21, "R_X86_64_DTPOFF32", "DTPOFF + A", 4, "signed"),
  row(22, "R_X86_64_GOTTPOFF", "GOTTPOFF + A - P", 4, "signed"),
  row(23, "R_X86_64_TPOFF32", "TPOFF + A", 4, "signed"),
  row(24, "R_X86_64_PC64", "S + A - P", 8, "any"),
  row(25, "R_X86_64_GOTOFF64", "S + A - GOT", 8, "any"),
  row(26, "R_X86_64_GOTPC32", "GOT + A - P", 4, "signed"),
  row(27, "R_X86_64_GOT64", "G + A", 8, "any"),
  row(28, "R_X86_64_GOTPCREL64", "G + GOT + A - P", 8, "any"),
  row(29, "R_X86_64_GOTPC64", "GOT + A - P", 8, "any"),
  row(30, "R_X86_64_GOTPLT64", "G + A", 8, "any"),
  row(31, "R_X86_64_PLTOFF64", "L + A - GOT", 8, "any"),
  row(32, "R_X86_64_SIZE32", "Z + A", 4, "unsigned"),
  row(33, "R_X86_64_SIZE64", "Z + A", 8, "any"),
  row(34, "R_X86_64_GOTPC32_TLSDESC", "GOTTPOFF + A - P", 4, "signed"),
  row(35, "R_X86_64_TLSDESC_CALL", "A", 0, "any"),
  row(41, "R_X86_64_GOTPCRELX", "G + GOT + A - P", 4, "signed"),
  row(42, "R_X86_64_REX_GOTPCRELX", "G + GOT + A - P", 4, "signed"),
  row(43, "R_X86_64_CODE_4_GOTPCRELX", "G + GOT + A - P", 4, "signed"),
  row(44, "R_X86_64_CODE_4_GOTTPOFF", "GOTTPOFF + A - P", 4, "signed"),
  row(45, "R_X86_64_CODE_4_GOTPC32_TLSDESC", "GOTTPOFF + A - P", 4, "signed"),
  row(46, "R_X86_64_CODE_5_GOTPCRELX", "G + GOT + A - P", 4, "signed"),
  row(47, "R_X86_64_CODE_5_GOTTPOFF", "GOTTPOFF + A - P", 4, "signed"),
  row(48, "R_X86_64_CODE_5_GOTPC32_TLSDESC", "GOTTPOFF + A - P", 4, "signed"),
  row(49, "R_X86_64_CODE_6_GOTPCRELX", "G + GOT + A - P", 4, "signed"),
  row(50, "R_X86_64_CODE_6_GOTTPOFF", "GOTTPOFF + A - P", 4, "signed"),
  row(51, "R_X86_64_CODE_6_GOTPC32_TLSDESC", "GOTTPOFF + A - P", 4, "signed"),
];

const byType: (RelocationRow | undefined)[] = [];
for (const each of relocationRows) byType[each.type] = each;

/** The row of a type, or undefined for a type that no relocatable file may carry. */
export function relocationRow(type: number): RelocationRow | undefined {
  return byType[type];
}

export { STUB_SIZE } from "./x86_64-stub.ts";

/** Writes a stub whose slot lies `distance` bytes behind the stub's start. */
export function writeStub(view: DataView, at: number, distance: number): void {
  view.setUint16(at, 0x25ff, true); // ff 25 rel32   jmp *slot(%rip)
  view.setInt32(at + 2, distance - 6, true);
  view.setUint16(at + 6, 0x9066, true); // 66 90         xchg %ax,%ax
}
