import { STB_WEAK } from "../formats/elf/constants.ts";
import { SymbolName } from "../formats/elf/shared-library-hash.ts";
import { type ExportedSymbol, exportedSymbols } from "./exported-symbols.ts";
import type { LinkJob } from "./link-job.ts";

/** What a job exports, made once for all that ask for it; names are hashed when somebody looks for them in libraries. */
export class ExportsOfJob {
  readonly symbols: readonly ExportedSymbol[];
  #names: readonly SymbolName[] | undefined;
  #strongNames: readonly SymbolName[] | undefined;

  constructor({ tables, resolution }: LinkJob) {
    this.symbols = exportedSymbols(tables, resolution);
  }

  /** Names of all, in the order of `symbols`. */
  get names(): readonly SymbolName[] {
    this.#names ??= this.symbols.map(({ name }) => new SymbolName(name));
    return this.#names;
  }

  /** Those of the definitions that are not weak. */
  get strongNames(): readonly SymbolName[] {
    this.#strongNames ??= this.names.filter((_, i) => this.symbols[i]!.info >> 4 !== STB_WEAK);
    return this.#strongNames;
  }
}

const known = new WeakMap<LinkJob, ExportsOfJob>();

/** The exports of a job whose definitions are all known. */
export function exportsOf(job: LinkJob): ExportsOfJob {
  let exports = known.get(job);
  if (exports === undefined) {
    exports = new ExportsOfJob(job);
    known.set(job, exports);
  }
  return exports;
}
