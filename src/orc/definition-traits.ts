import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS } from "../formats/elf/constants.ts";
import type { DefinitionTraits } from "./jit-dylib.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** More about the definition in a row of a job's symbols (gABI, "Symbol Table", binding). */
export function traitsOfRow(resolution: SymbolResolution, row: number): DefinitionTraits {
  const { symbols } = resolution.tables;
  const info = symbols.info[row]!;
  const binding = (info >> 4) & 0xf;
  return {
    // Of a member of an archive it has to be found out, and few ask.
    get object() {
      return resolution.graphOfRow(row).name;
    },
    isOverridable: binding === STB_WEAK || binding === STB_GNU_UNIQUE || resolution.isCommon(row),
    isThreadLocal: (info & 0xf) === STT_TLS,
  };
}
