import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE } from "./constants.ts";
import { writeObject } from "./write-object.ts";

const SIZE = 16;

/**
 * An object that, linked first, takes the first bytes of a job's code, constants and data: no address of a segment is one of something in
 * the objects behind it.
 */
export function writePaddingObject(): Uint8Array {
  const common = { alignment: SIZE, contents: new Uint8Array(SIZE) };
  return writeObject({
    sections: [
      { ...common, name: ".text.padding", flags: SHF_ALLOC | SHF_EXECINSTR },
      { ...common, name: ".rodata.padding", flags: SHF_ALLOC },
      { ...common, name: ".data.padding", flags: SHF_ALLOC | SHF_WRITE },
      { name: ".note.GNU-stack", contents: new Uint8Array(0) },
    ],
    symbols: [],
  });
}
