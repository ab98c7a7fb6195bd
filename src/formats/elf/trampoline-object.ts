import { R_X86_64_PLT32 } from "../../arch/x86_64.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { SHF_ALLOC, SHF_EXECINSTR, STT_FUNC, STV_HIDDEN } from "./constants.ts";
import { writeObject } from "./write-object.ts";

/** A function that pushes a number and jumps. */
export interface Trampoline {
  /** Not seen from outside the link job. */
  readonly name: string;
  readonly number: number;
}

const SIZE = 16;
/** Bytes of a function's code, where they are not filled up. */
const CODE_SIZE = 10;

/** The bytes of a relocatable file with trampolines that jump to the function `target`. */
export function writeTrampolineObject(trampolines: readonly Trampoline[], target: string): Uint8Array {
  const code = new ByteWriter(SIZE * trampolines.length);
  for (const { number } of trampolines) {
    code.u8(0x68).u32(number); // push $number
    code.u8(0xe9).u32(0); // jmp target
    code.raw(Uint8Array.of(0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc)); // int3
  }
  const relocations = trampolines.map((_, i) => ({
    offset: SIZE * i + 6,
    type: R_X86_64_PLT32,
    symbol: 0,
    addend: -4,
  }));
  const traits = { section: 0, size: CODE_SIZE, type: STT_FUNC, visibility: STV_HIDDEN };
  return writeObject({
    sections: [
      { name: ".text", flags: SHF_ALLOC | SHF_EXECINSTR, alignment: SIZE, contents: code.bytes, relocations },
      { name: ".note.GNU-stack", contents: new Uint8Array(0) },
    ],
    symbols: [{ name: target }, ...trampolines.map(({ name }, i) => ({ ...traits, name, value: SIZE * i }))],
  });
}
