// An object of stubs, made in memory: for each name the function `jmp *slot(%rip)` and a slot in writable data, with a frame description
// for all of them (a backtrace that is taken at the jump finds the caller). What it looks like to a linker:
//
//     .section .text.stubs,"ax"        name_0:  jmp *slots+0(%rip);  xchg %ax,%ax
//                                      name_1:  jmp *slots+8(%rip);  xchg %ax,%ax
//     .section .data.slots,"aw"        slots:   .quad target_0, target_1

import { R_X86_64_64, R_X86_64_PC32 } from "../../arch/x86_64.ts";
import { STUB_SIZE } from "../../arch/x86_64-stub.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import {
  RELA_SIZE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  STB_GLOBAL,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
  STV_HIDDEN,
  SYM_SIZE,
} from "./constants.ts";
import { type NewSection, StringTable, writeRelocatable } from "./relocatable-file.ts";

/** One stub: its name, and what its slot holds at first. */
export interface Stub {
  readonly name: string;
  /** STB_GLOBAL or STB_WEAK; STB_GLOBAL by default. */
  readonly binding?: number;
  /** STV_*; STV_DEFAULT by default. */
  readonly visibility?: number;
  /** An address, or the name of a symbol. */
  readonly target: number | string;
}

/** Names under which the object defines where its stubs and its slots begin; they are not seen from outside the link job. */
export interface StubObjectNames {
  readonly stubs: string;
  readonly slots: string;
}

/** Bytes of a slot: an address. */
export const SLOT_SIZE = 8;

/** Positions of sections, each table of relocations behind what it is for. */
const [TEXT, SLOTS, FRAMES, SYMBOLS, STRINGS] = [1, 3, 5, 8, 9];
/** Of the symbols of the sections, behind the null symbol. */
const [TEXT_SYMBOL, SLOTS_SYMBOL, LOCALS] = [1, 2, 3];

/** CIE and FDE (DWARF 5, 6.4; the encoding is the LSB's): the return address is at the top of the stack all the way. */
const FRAME = [
  ...[0x14, 0, 0, 0, 0, 0, 0, 0, 1, 0x7a, 0x52, 0, 1, 0x78, 0x10, 1, 0x1b], // "zR", factors 1 and -8, pc-relative sdata4
  ...[0x0c, 7, 8], // DW_CFA_def_cfa rsp+8
  ...[0x90, 1, 0, 0], // DW_CFA_offset rip at cfa-8
  ...[0x14, 0, 0, 0, 0x1c, 0, 0, 0], // the CIE is 28 bytes back
  ...[0, 0, 0, 0, 0, 0, 0, 0], // start and size
  ...[0, 0, 0, 0, 0, 0, 0, 0],
];
const FRAME_START = 32;
const FRAME_SIZE = 36;

/** The bytes of a relocatable file (gABI 4 and 5) with the stubs, in their order. */
export function writeStubObject(stubs: readonly Stub[], names: StubObjectNames): Uint8Array {
  const strings = new StringTable();
  const symbols = new ByteWriter(SYM_SIZE * (stubs.length + 8)).zeros(SYM_SIZE);
  let symbolCount = LOCALS;
  const symbol = (name: number, info: number, other: number, section: number, value = 0, size = 0): number => {
    symbols.u32(name).u8(info).u8(other).u16(section).u64(value).u64(size);
    return symbolCount++;
  };
  symbols.u32(0).u8(STT_SECTION).u8(0).u16(TEXT).u64(0).u64(0);
  symbols.u32(0).u8(STT_SECTION).u8(0).u16(SLOTS).u64(0).u64(0);
  const base = STB_GLOBAL << 4;
  symbol(strings.add(names.stubs), base | STT_NOTYPE, STV_HIDDEN, TEXT);
  symbol(strings.add(names.slots), base | STT_OBJECT, STV_HIDDEN, SLOTS, 0, SLOT_SIZE * stubs.length);

  const code = new ByteWriter(STUB_SIZE * stubs.length);
  const codeEntries = new ByteWriter(RELA_SIZE * stubs.length);
  const slots = new ByteWriter(SLOT_SIZE * stubs.length);
  const slotEntries = new ByteWriter(RELA_SIZE * stubs.length);
  for (const [i, { name, binding = STB_GLOBAL, visibility = 0, target }] of stubs.entries()) {
    code.u8(0xff).u8(0x25).u32(0).u8(0x66).u8(0x90); // jmp *slot(%rip); xchg %ax,%ax
    rela(codeEntries, STUB_SIZE * i + 2, SLOTS_SYMBOL, R_X86_64_PC32, SLOT_SIZE * i - 4);
    symbol(strings.add(name), (binding << 4) | STT_FUNC, visibility, TEXT, STUB_SIZE * i, STUB_SIZE);
    slots.u64(typeof target === "number" ? target : 0);
    if (typeof target === "number") continue;
    const id = symbol(strings.add(target), base | STT_NOTYPE, 0, 0);
    rela(slotEntries, SLOT_SIZE * i, id, R_X86_64_64, 0);
  }
  const frame = Uint8Array.from(FRAME);
  new DataView(frame.buffer).setUint32(FRAME_SIZE, STUB_SIZE * stubs.length, true);
  const frameEntries = new ByteWriter(RELA_SIZE);
  rela(frameEntries, FRAME_START, TEXT_SYMBOL, R_X86_64_PC32, 0);

  const entries = (name: string, info: number, contents: Uint8Array): NewSection => ({
    ...{ name, type: SHT_RELA, flags: 0, alignment: 8, link: SYMBOLS, info, entrySize: RELA_SIZE, contents },
  });
  const plain = (name: string, type: number, flags: number, alignment: number, contents: Uint8Array): NewSection => ({
    ...{ name, type, flags, alignment, contents },
  });
  return writeRelocatable([
    plain(".text.stubs", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, STUB_SIZE, code.bytes),
    entries(".rela.text.stubs", TEXT, codeEntries.bytes),
    plain(".data.slots", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, SLOT_SIZE, slots.bytes),
    entries(".rela.data.slots", SLOTS, slotEntries.bytes),
    plain(".eh_frame", SHT_PROGBITS, SHF_ALLOC, 8, frame),
    entries(".rela.eh_frame", FRAMES, frameEntries.bytes),
    plain(".note.GNU-stack", SHT_PROGBITS, 0, 1, new Uint8Array(0)),
    { ...entries(".symtab", LOCALS, symbols.bytes), type: SHT_SYMTAB, link: STRINGS, entrySize: SYM_SIZE },
    plain(".strtab", SHT_STRTAB, 0, 1, strings.bytes),
  ]);
}

function rela(out: ByteWriter, offset: number, symbol: number, type: number, addend: number): void {
  out.u64(offset).u32(type).u32(symbol).u64(addend);
}
