import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_PROGBITS } from "./constants.ts";
import { writeRelocatable } from "./relocatable-file.ts";

const SIZE = 16;

/**
 * An object that, linked first, takes the first bytes of a job's code, constants and data: no address of a segment is one of something in
 * the objects behind it.
 */
export function writePaddingObject(): Uint8Array {
  const common = { type: SHT_PROGBITS, alignment: SIZE, contents: new Uint8Array(SIZE) };
  return writeRelocatable([
    { ...common, name: ".text.padding", flags: SHF_ALLOC | SHF_EXECINSTR },
    { ...common, name: ".rodata.padding", flags: SHF_ALLOC },
    { ...common, name: ".data.padding", flags: SHF_ALLOC | SHF_WRITE },
    { ...common, name: ".note.GNU-stack", flags: 0, alignment: 1, contents: new Uint8Array(0) },
  ]);
}
