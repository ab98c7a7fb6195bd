// `.eh_frame` of shims and thunks (Linux Standard Base 5, "Exception Frames"; DWARF 5, 6.4), which all have the frame
//
//     push rbp           1 byte
//     mov rbp,rsp        3 bytes
//     …
//     leave
//     ret                1 byte, the last
//
// so that one description with another length serves each. It holds at every instruction.

import { alignUp } from "../bytes/address.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { R_X86_64_PC32 } from "./x86_64.ts";

const DW_CFA_ADVANCE_LOC = 0x40;
const DW_CFA_ADVANCE_LOC4 = 0x04;
const DW_CFA_OFFSET = 0x80;
const DW_CFA_DEF_CFA = 0x0c;
const DW_CFA_DEF_CFA_REGISTER = 0x0d;
const DW_CFA_DEF_CFA_OFFSET = 0x0e;
const DW_EH_PE_PCREL_SDATA4 = 0x1b;
/** Register numbers of psABI 3.6.2: the return address is one. */
const RBP = 6;
const RSP = 7;
const RETURN_ADDRESS = 16;

/** Bytes of a frame's entry: its length, the CIE's distance, the code's place and size, no augmentation, instructions. */
const INSTRUCTIONS = 16;
const ENTRY_SIZE = 4 + 4 + 4 + 4 + 1 + INSTRUCTIONS + 3;

/** The table for functions by offset and size in one section; each relocation (R_X86_64_PC32) refers to that section's start. */
export function callFrames(functions: readonly { offset: number; size: number }[]): {
  bytes: Uint8Array;
  relocations: { offset: number; type: number; addend: number }[];
} {
  const writer = new ByteWriter(64 + ENTRY_SIZE * functions.length);
  // The CIE: CFA is rsp + 8, where the return address ends.
  const common = new ByteWriter(32)
    .u32(0)
    .u8(1)
    .raw(new TextEncoder().encode("zR\0"))
    .u8(1) // code alignment
    .u8(0x78) // data alignment: -8
    .u8(RETURN_ADDRESS)
    .u8(1)
    .u8(DW_EH_PE_PCREL_SDATA4)
    .raw(new Uint8Array([DW_CFA_DEF_CFA, RSP, 8, DW_CFA_OFFSET | RETURN_ADDRESS, 1]));
  writer.u32(alignUp(common.length, 4)).raw(common.bytes).align(4);
  const relocations: { offset: number; type: number; addend: number }[] = [];
  for (const { offset, size } of functions) {
    writer.u32(ENTRY_SIZE - 4).u32(writer.length);
    relocations.push({ offset: writer.length, type: R_X86_64_PC32, addend: offset });
    writer.u32(0).u32(size).u8(0);
    // biome-ignore format: one instruction a line
    writer.raw(new Uint8Array([
      DW_CFA_ADVANCE_LOC | 1, // push rbp
      DW_CFA_DEF_CFA_OFFSET, 16,
      DW_CFA_OFFSET | RBP, 2,
      DW_CFA_ADVANCE_LOC | 3, // mov rbp,rsp
      DW_CFA_DEF_CFA_REGISTER, RBP,
      DW_CFA_ADVANCE_LOC4,
    ]));
    writer.u32(size - 1 - 4).raw(new Uint8Array([DW_CFA_DEF_CFA, RSP, 8]));
    writer.align(4);
  }
  return { bytes: writer.u32(0).bytes.slice(), relocations };
}
