import { LOW_END } from "../bytes/address.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { LinkError } from "../errors.ts";
import { STT_NOTYPE, STV_PROTECTED } from "../formats/elf/constants.ts";
import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { CanonicalFunction, DataCopy, OutsideName } from "../link/anchor.ts";
import { copiesOf, copyOfLiveData, type LibraryVariable } from "../link/data-copy.ts";
import { Demand, directReferences } from "../link/direct-references.ts";
import { ExternalKind } from "../link/externals.ts";
import { type ExternalNames, kindOfSymbol } from "./external-names.ts";
import { observedFunctions } from "./observed-functions.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

const LOADER = "ld-linux-x86-64.so.2";

/** A variable that code reaches by 32 bits only, and the library that has it. */
export interface FarVariable {
  /** The variable. */
  readonly symbol: DynamicSymbol;
  /** The library that defines it. */
  readonly library: SharedLibrary;
  /** What the loader calls the library. */
  readonly loadName: string;
}

/** A function that is to have an address within reach of 32 bits, the same for everybody. */
export interface FarFunction {
  /** Its symbol. */
  readonly name: string;
  /** What the loader calls its library; undefined when the process has it anyway. */
  readonly loadName: string | undefined;
}

/**
 * What libraries that the process has loaded define out of reach: variables, which must not be copied as programs write to
 * them, and functions whose address the program and others compare.
 */
export class DataOutOfReachError extends LinkError {
  /** Variables of libraries that the code reaches by 32 bits. */
  readonly variables: readonly FarVariable[];
  /** Functions whose addresses it takes by 32 bits. */
  readonly functions: readonly FarFunction[];

  constructor(variables: readonly FarVariable[], functions: readonly FarFunction[] = []) {
    const names = variables.map(({ symbol, library }) => `${symbol.name} (${library.soname ?? library.file})`);
    for (const { name } of functions) names.push(`${name} (function)`);
    super(
      "relocation",
      `code holds 32-bit addresses of these, but in this process they lie elsewhere: ${names.join(", ")}; recompile with -fPIC, or run in the executor`,
    );
    this.variables = variables;
    this.functions = functions;
  }
}

/** What the job's anchor holds of libraries'. */
export interface CopyPlan {
  /** Variables. */
  readonly copies: DataCopy[];
  /** Functions that have their address in the anchor. */
  readonly functions: CanonicalFunction[];
  /** Names that stand for something within reach elsewhere: what dlsym is to answer. */
  readonly names: OutsideName[];
  /** What relocations demand of the names of libraries, by identifier: bits of `Demand`. */
  readonly demands: ReadonlyMap<number, number>;
}

/** A name from outside, and what is known of it. */
interface Candidate {
  readonly id: number;
  /** Undefined while its library is not loaded. */
  readonly address: number | undefined;
  readonly found: FarVariable | undefined;
}

/**
 * Decides which variables of libraries the job gets copies of, and which functions have their address in the anchor.
 * `libraryAddresses` are known beforehand in this process and in another's executor only. Errors: DataOutOfReachError for what another start of the
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
  const { byLookup, held } = observedFunctions(resolution, external);
  const candidates: Candidate[] = [
    ...external.fromLibraries.map(({ id, symbol, library, version }, i) => ({
      id,
      // Unknown where the library comes with the anchor. One version of several is not what other libraries mean by the name.
      address: libraryAddresses?.[i] || (version !== undefined || isLoaded(library.loadName) ? Number.NaN : undefined),
      found: { symbol, library: library.library, loadName: library.loadName },
    })),
    ...external.known.map(({ id, address }) => ({ id, address, found: undefined })),
  ];
  const plan: CopyPlan = { copies: [], functions: [], names: [], demands: new Map() };
  if (byLookup) {
    for (const { id, address, found } of candidates) {
      if (address === undefined || !(address > 0 && address <= LOW_END)) continue;
      plan.names.push({ name: pool.bytes(id).slice(), address, type: found?.symbol.type ?? STT_NOTYPE });
    }
  }
  const marks = new Uint8Array(pool.size);
  for (const id of external.threadLocals) marks[id] = 1;
  for (const { id, address = Number.POSITIVE_INFINITY, found } of candidates) {
    if (address <= LOW_END) continue;
    const isData = found !== undefined && kindOfSymbol(found.symbol.type) === ExternalKind.data;
    const isProtected = found?.symbol.visibility === STV_PROTECTED;
    if (libraryAddresses !== undefined || isData || isProtected || held.has(id)) marks[id] = 1;
  }
  // Looking names up alone is no sign of code that holds 32-bit addresses, and the programs that do so are large.
  const sampled = !marks.includes(1);
  if (sampled && !byLookup) return plan;
  if (byLookup) {
    for (const { id, address = Number.POSITIVE_INFINITY } of candidates) if (address > LOW_END) marks[id] = 1;
  }
  const demands = directReferences(resolution.tables, marks, sampled);
  const near = candidates.filter(({ id }) => marks[id] === 1 && ((demands.get(id) ?? 0) & Demand.near) !== 0);
  const copied: LibraryVariable[] = [];
  const variables: FarVariable[] = [];
  const functions: FarFunction[] = [];
  for (const { id, address, found: inLibrary } of near) {
    const found = inLibrary ?? findInProcess(pool.name(id), runtime);
    if (found === undefined || Number.isNaN(address)) continue;
    const { symbol, library } = found;
    const kind = kindOfSymbol(symbol.type);
    if (symbol.visibility === STV_PROTECTED) throw protectedSymbol(library.file, symbol.name);
    if (kind === ExternalKind.function && (byLookup || held.has(id))) {
      if (address === undefined) plan.functions.push({ id, name: pool.bytes(id).slice() });
      else if (held.has(id)) functions.push({ name: symbol.name, loadName: inLibrary?.loadName });
      else plan.functions.push({ id, name: pool.bytes(id).slice(), target: address });
    }
    if (kind !== ExternalKind.data || symbol.size === 0) continue;
    if (address === undefined) copied.push({ id, symbol, library });
    else if (libraryAddresses === undefined)
      continue; // not in our executor's list: out of range
    // C++ constants (virtual tables, type_info, std::nothrow) can be read from a copy as well as from the original: the C++
    // ABI tells types by their names. Anything else has to be where the library looks for it, constants too: programs
    // compare their addresses (Ada's `others`). What the loader has (_r_debug) it wrote before any copy relocation of an
    // ordinary executable, and does not look for in the copy.
    else if (
      epc.readMemory !== undefined &&
      (library.soname === LOADER ||
        (symbol.name.startsWith("_Z") && library.isReadOnlyAddress(symbol.value, symbol.size)))
    ) {
      plan.copies.push(copyOfLiveData(id, symbol, epc.readMemory(address, symbol.size)));
    } else variables.push(found);
  }
  if (variables.length + functions.length > 0) throw new DataOutOfReachError(variables, functions);
  const stubs = new Set(plan.functions.map(({ id }) => id));
  const isInterposed = (name: string): boolean => {
    const id = pool.findString(name);
    return (resolution.definition[id] ?? 0) !== 0 || stubs.has(id);
  };
  const copies = plan.copies.concat(copiesOf(copied, isInterposed));
  return { ...plan, copies, demands };
}

/** A library goes on to use its own of what it exports as protected (gABI 4, "Symbol Visibility"), and not what stands in for it. */
function protectedSymbol(file: string, name: string): LinkError {
  return new LinkError(
    "relocation",
    `code holds a 32-bit address of ${name}, which ${file} exports as protected: the library would not use the same; recompile with -fPIC`,
  );
}

/** The library among those of every process that exports the name. */
function findInProcess(name: string, runtime: RuntimeLibraries): FarVariable | undefined {
  for (const { soname, library } of runtime.ofProcess()) {
    const symbol = library.lookup(name);
    if (symbol?.isDefaultVersion) return { symbol, library, loadName: soname };
  }
  return undefined;
}
