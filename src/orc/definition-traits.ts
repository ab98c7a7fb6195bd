import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS } from "../formats/elf/constants.ts";
import type { DefinitionTraits } from "./jit-dylib.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** More about the definition in a row of a job's symbols (gABI, "Symbol Table", binding). */
export function traitsOfRow(resolution: SymbolResolution, row: number): DefinitionTraits {
  return new TraitsOfRow(resolution, row);
}

/** Not an object literal with a getter: the engine keeps such a getter, and the job with it, until all of its heap is collected. */
class TraitsOfRow implements DefinitionTraits {
  readonly isOverridable: boolean;
  readonly isThreadLocal: boolean;
  readonly #resolution: SymbolResolution;
  readonly #row: number;

  constructor(resolution: SymbolResolution, row: number) {
    this.#resolution = resolution;
    this.#row = row;
    const info = resolution.tables.symbols.info[row]!;
    const binding = (info >> 4) & 0xf;
    this.isOverridable = binding === STB_WEAK || binding === STB_GNU_UNIQUE || resolution.isCommon(row);
    this.isThreadLocal = (info & 0xf) === STT_TLS;
  }

  /** Of a member of an archive it has to be found out, and few ask. */
  get object(): string {
    return this.#resolution.graphOfRow(this.#row).name;
  }
}
