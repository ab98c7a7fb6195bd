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
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  STB_LOCAL,
  STT_FUNC,
  STT_OBJECT,
  STT_SECTION,
  STV_HIDDEN,
} from "./constants.ts";
import { type ObjectRelocation, type ObjectSymbol, writeObject } from "./write-object.ts";

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

/** Sections, and the symbols of the first two, by their places. */
const [TEXT, SLOTS] = [0, 1];

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
  const symbols: ObjectSymbol[] = [
    ...[TEXT, SLOTS].map((section) => ({ name: "", section, type: STT_SECTION, binding: STB_LOCAL })),
    { name: names.stubs, section: TEXT, visibility: STV_HIDDEN },
    { name: names.slots, section: SLOTS, size: SLOT_SIZE * stubs.length, type: STT_OBJECT, visibility: STV_HIDDEN },
  ];
  const code = new ByteWriter(STUB_SIZE * stubs.length);
  const slots = new ByteWriter(SLOT_SIZE * stubs.length);
  const [jumps, addresses]: [ObjectRelocation[], ObjectRelocation[]] = [[], []];
  for (const [i, { name, binding, visibility, target }] of stubs.entries()) {
    code.u8(0xff).u8(0x25).u32(0).u8(0x66).u8(0x90); // jmp *slot(%rip); xchg %ax,%ax
    jumps.push({ offset: STUB_SIZE * i + 2, type: R_X86_64_PC32, symbol: SLOTS, addend: SLOT_SIZE * i - 4 });
    const traits = { section: TEXT, value: STUB_SIZE * i, size: STUB_SIZE, type: STT_FUNC };
    symbols.push({ name, ...traits, binding, visibility });
    slots.u64(typeof target === "number" ? target : 0);
    if (typeof target === "number") continue;
    const symbol = symbols.push({ name: target }) - 1;
    addresses.push({ offset: SLOT_SIZE * i, type: R_X86_64_64, symbol, addend: 0 });
  }
  const frame = Uint8Array.from(FRAME);
  new DataView(frame.buffer).setUint32(FRAME_SIZE, STUB_SIZE * stubs.length, true);
  const start = { offset: FRAME_START, type: R_X86_64_PC32, symbol: TEXT, addend: 0 };
  const isCode = SHF_ALLOC | SHF_EXECINSTR;
  const isData = SHF_ALLOC | SHF_WRITE;
  return writeObject({
    sections: [
      { name: ".text.stubs", flags: isCode, alignment: STUB_SIZE, contents: code.bytes, relocations: jumps },
      { name: ".data.slots", flags: isData, alignment: SLOT_SIZE, contents: slots.bytes, relocations: addresses },
      { name: ".eh_frame", flags: SHF_ALLOC, alignment: 8, contents: frame, relocations: [start] },
      { name: ".note.GNU-stack", contents: new Uint8Array(0) },
    ],
    symbols,
  });
}
