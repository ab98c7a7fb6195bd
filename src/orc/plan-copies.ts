import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { LinkError } from "../errors.ts";
import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { CanonicalFunction, DataCopy } from "../link/anchor.ts";
import { copiesOf, copyOfLiveData } from "../link/data-copy.ts";
import { Demand, directReferences } from "../link/direct-references.ts";
import { ExternalKind } from "../link/externals.ts";
import { type ExternalNames, kindOfSymbol } from "./external-names.ts";
import { observedFunctions } from "./observed-functions.ts";
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

/** A function that is to have an address within reach of 32 bits, the same for everybody. */
export interface FarFunction {
  readonly name: string;
  /** What the loader calls its library; undefined when the process has it anyway. */
  readonly loadName: string | undefined;
}

/**
 * What libraries that the process has loaded define out of reach: variables, which must not be copied as programs write to
 * them, and functions whose address the program and others compare.
 */
export class DataOutOfReachError extends LinkError {
  readonly variables: readonly FarVariable[];
  readonly functions: readonly FarFunction[];

  constructor(variables: readonly FarVariable[], functions: readonly FarFunction[] = []) {
    const names = variables.map(({ symbol, library }) => `${symbol.name} (${library.soname ?? library.file})`);
    names.push(...functions.map(({ name }) => `${name} (function)`));
    super(
      "relocation",
      `code holds 32-bit addresses of these, but in this process they lie elsewhere: ${names.join(", ")}; recompile with -fPIC, or run in the executor`,
    );
    this.variables = variables;
    this.functions = functions;
  }
}

/** The variables of libraries that get copies in the job's anchor. */
export interface CopyPlan {
  readonly copies: DataCopy[];
  /** Functions of libraries that come with the anchor, which gives them their address. */
  readonly functions: CanonicalFunction[];
  /** What relocations demand of the names of libraries, by identifier: bits of `Demand`. */
  readonly demands: ReadonlyMap<number, number>;
}

/**
 * Decides which variables of libraries the job gets copies of, and which functions have their address in the anchor.
 * `libraryAddresses` are known beforehand in this process only. Errors: DataOutOfReachError for what another start of the
 * process can help with.
 */
export function planCopies(
  resolution: SymbolResolution,
  external: ExternalNames,
  epc: ExecutorProcessControl,
  runtime: RuntimeLibraries,
  isLoaded: (loadName: string) => boolean,
  libraryAddresses: Float64Array | undefined,
): CopyPlan {
  const { pool } = resolution.tables;
  const observed = observedFunctions(resolution, external, runtime);
  const marks = observed?.slice() ?? new Uint8Array(pool.size);
  for (const id of external.threadLocals) marks[id] = 1;
  if (libraryAddresses === undefined) {
    for (const { id, symbol } of external.fromLibraries) {
      if (kindOfSymbol(symbol.type) === ExternalKind.data && symbol.size > 0) marks[id] = 1;
    }
  } else {
    external.fromLibraries.forEach(({ id }, i) => {
      if (libraryAddresses[i]! > LOW_END) marks[id] = 1;
    });
    for (const { id, address } of external.known) if (address > LOW_END) marks[id] = 1;
  }
  if (!marks.includes(1)) return { copies: [], functions: [], demands: new Map() };
  const demands = directReferences(resolution.tables, marks);
  const isNear = (id: number): boolean => ((demands.get(id) ?? 0) & Demand.near) !== 0;
  const isFunction = (id: number): boolean => observed?.[id] === 1 && isNear(id);
  if (libraryAddresses === undefined) {
    const far = external.known
      .filter(({ id, address }) => address > LOW_END && isFunction(id))
      .map(({ id }) => findInProcess(pool.name(id), runtime))
      .filter((found) => found !== undefined && kindOfSymbol(found.symbol.type) === ExternalKind.function)
      .map((found) => ({ name: found!.symbol.name, loadName: undefined }));
    if (far.length > 0) throw new DataOutOfReachError([], far);
    const near = external.fromLibraries.filter(
      ({ id, library }) => marks[id] === 1 && isNear(id) && !isLoaded(library.loadName),
    );
    const variables = near
      .filter(({ symbol }) => kindOfSymbol(symbol.type) === ExternalKind.data)
      .map(({ id, symbol, library }) => ({ id, symbol, library: library.library }));
    const functions = near.filter(({ id }) => isFunction(id)).map(({ id }) => ({ id, name: pool.bytes(id).slice() }));
    const interposed = (name: string): boolean => {
      const id = pool.internString(name);
      return (resolution.definition[id] ?? 0) !== 0 || functions.some((each) => each.id === id);
    };
    return { copies: copiesOf(variables, interposed), functions, demands };
  }
  const far = [
    ...external.fromLibraries.map(({ id, symbol, library }, i) => ({
      id,
      address: libraryAddresses[i]!,
      variable: { symbol, library: library.library, loadName: library.loadName },
    })),
    ...external.known.map(({ id, address }) => ({ id, address, variable: undefined })),
  ].filter(({ id, address }) => address > LOW_END && marks[id] === 1 && isNear(id));
  const copies = copyLoadedData(far, resolution, epc, runtime, (id) => observed?.[id] === 1);
  return { copies, functions: [], demands };
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
  isObserved: (id: number) => boolean,
): DataCopy[] {
  const copies: DataCopy[] = [];
  const writable: FarVariable[] = [];
  const functions: FarFunction[] = [];
  for (const { id, address, variable } of far) {
    const found = variable ?? findInProcess(resolution.tables.pool.name(id), runtime);
    if (found === undefined) continue;
    const { symbol, library } = found;
    const kind = kindOfSymbol(symbol.type);
    if (kind === ExternalKind.function && isObserved(id)) {
      functions.push({ name: symbol.name, loadName: variable?.loadName });
    }
    if (kind !== ExternalKind.data || symbol.size === 0) continue;
    if (library.isReadOnlyAddress(symbol.value, symbol.size)) {
      copies.push(copyOfLiveData(id, symbol, epc.readMemory!(address, symbol.size)));
    } else writable.push(found);
  }
  if (writable.length + functions.length > 0) throw new DataOutOfReachError(writable, functions);
  return copies;
}

/** The library among those of every process that exports the name. */
function findInProcess(name: string, runtime: RuntimeLibraries): FarVariable | undefined {
  for (const { soname, library } of runtime.ofProcess()) {
    const symbol = library.lookup(name);
    if (symbol?.isDefaultVersion) return { symbol, library, loadName: soname };
  }
  return undefined;
}
