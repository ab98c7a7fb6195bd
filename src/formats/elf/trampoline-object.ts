import { R_X86_64_PLT32 } from "../../arch/x86_64.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import {
  RELA_SIZE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  STB_GLOBAL,
  STT_FUNC,
  STT_NOTYPE,
  STV_HIDDEN,
  SYM_SIZE,
} from "./constants.ts";
import { type NewSection, StringTable, writeRelocatable } from "./relocatable-file.ts";

/** A function that pushes a number and jumps. */
export interface Trampoline {
  /** Not seen from outside the link job. */
  readonly name: string;
  readonly number: number;
}

const SIZE = 16;
const [TEXT, SYMBOLS, STRINGS] = [1, 4, 5];

/** The bytes of a relocatable file with trampolines that jump to the function `target`. */
export function writeTrampolineObject(trampolines: readonly Trampoline[], target: string): Uint8Array {
  const strings = new StringTable();
  const symbols = new ByteWriter(SYM_SIZE * (trampolines.length + 2)).zeros(SYM_SIZE);
  const code = new ByteWriter(SIZE * trampolines.length);
  const entries = new ByteWriter(RELA_SIZE * trampolines.length);
  const global = STB_GLOBAL << 4;
  symbols
    .u32(strings.add(target))
    .u8(global | STT_NOTYPE)
    .zeros(SYM_SIZE - 5);
  for (const [i, { name, number }] of trampolines.entries()) {
    code.u8(0x68).u32(number); // push $number
    code.u8(0xe9).u32(0); // jmp target
    code.raw(Uint8Array.of(0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc)); // int3
    entries
      .u64(SIZE * i + 6)
      .u32(R_X86_64_PLT32)
      .u32(1)
      .u64(-4);
    symbols
      .u32(strings.add(name))
      .u8(global | STT_FUNC)
      .u8(STV_HIDDEN)
      .u16(TEXT)
      .u64(SIZE * i)
      .u64(10);
  }
  const section = (name: string, type: number, contents: Uint8Array, more: Partial<NewSection> = {}): NewSection => ({
    ...{ name, type, flags: 0, alignment: 1, contents },
    ...more,
  });
  const rela = { alignment: 8, link: SYMBOLS, info: TEXT, entrySize: RELA_SIZE };
  return writeRelocatable([
    section(".text", SHT_PROGBITS, code.bytes, { flags: SHF_ALLOC | SHF_EXECINSTR, alignment: SIZE }),
    section(".rela.text", SHT_RELA, entries.bytes, rela),
    section(".note.GNU-stack", SHT_PROGBITS, new Uint8Array(0)),
    section(".symtab", SHT_SYMTAB, symbols.bytes, { alignment: 8, link: STRINGS, info: 1, entrySize: SYM_SIZE }),
    section(".strtab", SHT_STRTAB, strings.bytes),
  ]);
}
