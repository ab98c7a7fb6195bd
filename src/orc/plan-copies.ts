import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { LinkError } from "../errors.ts";
import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { DataCopy } from "../link/anchor.ts";
import { copyOfData, copyOfLiveData } from "../link/data-copy.ts";
import { Demand, directReferences } from "../link/direct-references.ts";
import { ExternalKind } from "../link/externals.ts";
import { type ExternalNames, kindOfSymbol } from "./external-names.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** Beyond this no 32-bit field reaches. */
const LOW_END = 0x7fff_ffff;

/** A variable that code reaches by 32 bits only, and the library that has it. */
export interface FarVariable {
  readonly symbol: DynamicSymbol;
  readonly library: SharedLibrary;
  /** What the loader calls the library. */
  readonly loadName: string;
}

/** Variables of libraries that this process has loaded out of reach, and that must not be copied as programs write to them. */
export class DataOutOfReachError extends LinkError {
  readonly variables: readonly FarVariable[];

  constructor(variables: readonly FarVariable[]) {
    const names = variables.map(({ symbol, library }) => `${symbol.name} (${library.soname ?? library.file})`);
    super(
      "relocation",
      `code reaches these variables by 32-bit addresses, but in this process they lie elsewhere: ${names.join(", ")}; recompile with -fPIC, or run in the executor`,
    );
    this.variables = variables;
  }
}

/** The variables of libraries that get copies in the job's anchor. */
export interface CopyPlan {
  readonly copies: DataCopy[];
  /** What relocations demand of the names of libraries, by identifier: bits of `Demand`. */
  readonly demands: ReadonlyMap<number, number>;
}

/** Decides which variables of libraries the job gets copies of. `libraryAddresses` are known beforehand in this process only. */
export function planCopies(
  resolution: SymbolResolution,
  external: ExternalNames,
  epc: ExecutorProcessControl,
  runtime: RuntimeLibraries,
  isLoaded: (loadName: string) => boolean,
  libraryAddresses: Float64Array | undefined,
): CopyPlan {
  const { pool } = resolution.tables;
  const marks = new Uint8Array(pool.size);
  for (const id of external.threadLocals) marks[id] = 1;
  if (libraryAddresses === undefined) {
    for (const { id, symbol } of external.fromLibraries) {
      if (isData(symbol)) marks[id] = 1;
    }
  } else {
    external.fromLibraries.forEach(({ id, symbol }, i) => {
      const address = libraryAddresses[i]!;
      if (address > LOW_END || (address === 0 && isData(symbol))) marks[id] = 1;
    });
    for (const { id, address } of external.known) if (address > LOW_END) marks[id] = 1;
  }
  if (!marks.includes(1)) return { copies: [], demands: new Map() };
  const demands = directReferences(resolution.tables, marks);
  const isNear = (id: number): boolean => ((demands.get(id) ?? 0) & Demand.near) !== 0;
  const interposed = (name: string): boolean => (resolution.definition[pool.internString(name)] ?? 0) !== 0;
  // Libraries that come with the anchor bind to copies in it.
  const copies = external.fromLibraries
    .filter(({ id, library, symbol }, i) => {
      if (marks[id] !== 1 || !isNear(id) || !isData(symbol)) return false;
      return libraryAddresses === undefined ? !isLoaded(library.loadName) : libraryAddresses[i] === 0;
    })
    .map(({ id, symbol, library }) => copyOfData(id, symbol, library.library, interposed));
  if (libraryAddresses === undefined) return { copies, demands };
  const far = [
    ...external.fromLibraries.map(({ id, symbol, library }, i) => ({
      id,
      address: libraryAddresses[i]!,
      variable: { symbol, library: library.library, loadName: library.loadName },
    })),
    ...external.known.map(({ id, address }) => ({ id, address, variable: undefined })),
  ].filter(({ id, address }) => marks[id] === 1 && address !== 0 && isNear(id));
  return { copies: [...copies, ...copyLoadedData(far, resolution, epc, runtime)], demands };
}

function isData(symbol: DynamicSymbol): boolean {
  return kindOfSymbol(symbol.type) === ExternalKind.data && symbol.size > 0;
}

interface FarName {
  readonly id: number;
  readonly address: number;
  readonly variable: FarVariable | undefined;
}

/** Constants can be read from a copy as well as from the original; anything else has to be where the library looks for it. */
function copyLoadedData(
  far: readonly FarName[],
  resolution: SymbolResolution,
  epc: ExecutorProcessControl,
  runtime: RuntimeLibraries,
): DataCopy[] {
  const copies: DataCopy[] = [];
  const writable: FarVariable[] = [];
  for (const { id, address, variable } of far) {
    const found = variable ?? findVariable(resolution.tables.pool.name(id), runtime);
    if (found === undefined || kindOfSymbol(found.symbol.type) !== ExternalKind.data || found.symbol.size === 0)
      continue;
    const { symbol, library } = found;
    if (library.isReadOnlyAddress(symbol.value, symbol.size)) {
      copies.push(copyOfLiveData(id, symbol, epc.readMemory!(address, symbol.size)));
    } else writable.push(found);
  }
  if (writable.length > 0) throw new DataOutOfReachError(writable);
  return copies;
}

/** The library among those of every process that exports the name. */
export function findVariable(name: string, runtime: RuntimeLibraries): FarVariable | undefined {
  for (const { soname, library } of runtime.ofProcess()) {
    const symbol = library.lookup(name);
    if (symbol?.isDefaultVersion) return { symbol, library, loadName: soname };
  }
  return undefined;
}
