import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { STT_FUNC, STT_GNU_IFUNC, STT_OBJECT, STT_TLS } from "../formats/elf/constants.ts";
import type { DynamicSymbol } from "../formats/elf/shared-library.ts";
import { splitVersion, VERSION_MARK, type VersionedName } from "../formats/elf/symbol-versions.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import { isOfCLibrary, type RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { ExternalKind } from "../link/externals.ts";
import { SharedLibraryGenerator } from "./definition-generator.ts";
import { findEarlier, findIn } from "./earlier-jobs.ts";
import { HashedNames } from "./hashed-names.ts";
import type { JITDylib } from "./jit-dylib.ts";
import type { ExecutorTarget, LinkJob } from "./link-job.ts";
import { resolveInProcess } from "./process-symbols.ts";
import { Reference, type SymbolResolution } from "./symbol-resolution.ts";
import { threadLocalMismatches } from "./undefined-symbols.ts";
import { UNWINDER_PREFIX, unwinderOfLibraries } from "./unwinder-of-libraries.ts";

/** With fewer names it is not worth while to have the kernel look first. */
const MANY = 32;

/** Variables of the C library that are thread-local whatever a program declares; `extern int errno` would be the linker's thread's. */
const threadLocalsOfC = new Set(["errno", "__h_errno", "__resp"]);

/** A name that a shared library of the program defines. */
export interface LibrarySymbol {
  readonly id: number;
  readonly library: SharedLibraryGenerator;
  readonly symbol: DynamicSymbol;
  /** The version that was asked for, when the reference is to `name@VERSION`. */
  readonly version: string | undefined;
}

/** A name with an address. */
export interface KnownName {
  readonly id: number;
  /** 0 for what is nowhere. */
  readonly address: number;
  readonly kind: ExternalKind;
}

/** Where the names that a job does not define itself come from. */
export interface ExternalNames {
  /** Addresses known already: given by hand, linked before, or the process's. */
  readonly known: KnownName[];
  /** How many of them are the process's, from `firstOfProcess` on. */
  ofProcess: number;
  firstOfProcess: number;
  readonly fromLibraries: LibrarySymbol[];
  /** Thread-local variables of libraries or of the process. */
  readonly threadLocals: number[];
  /** Libraries that define some of these. */
  readonly threadLocalLibraries: Set<SharedLibraryGenerator>;
  /** Libraries that define something or were asked for by name, in order. */
  readonly libraries: SharedLibraryGenerator[];
  /** Strong references that nothing defines. */
  readonly missing: number[];
}

/** What an ELF symbol type (STT_*, gABI 4, "Symbol Table") says about an external. */
export function kindOfSymbol(type: number): ExternalKind {
  if (type === STT_FUNC || type === STT_GNU_IFUNC) return ExternalKind.function;
  if (type === STT_TLS) return ExternalKind.threadLocal;
  return type === STT_OBJECT ? ExternalKind.data : ExternalKind.unknown;
}

/**
 * Finds the names `ids` outside the job, in the order of an ordinary link: by hand, other JITDylibs, the libraries asked for
 * and those that stand for archives, the process (one request for all), and at last the libraries that every C and C++ program may use.
 * `hasVersions`: some names may be of the form `name@VERSION`.
 */
export async function findExternalNames(
  ids: readonly number[],
  job: LinkJob,
  hasVersions: boolean,
): Promise<ExternalNames> {
  const { dylib, resolution } = job;
  const { epc, runtime } = job.context;
  const standIns = job.cLibraries.libraries;
  const { pool } = resolution.tables;
  const found: ExternalNames = {
    known: [],
    ofProcess: 0,
    firstOfProcess: 0,
    fromLibraries: [],
    threadLocals: [],
    threadLocalLibraries: new Set(),
    libraries: [],
    missing: [],
  };
  const used = new Set<SharedLibraryGenerator>();
  const libraries = [...dylib.generators.filter((generator) => generator.kind === "shared-library"), ...standIns];
  const unwinder = epc.kind === "in-process" ? unwinderOfLibraries(libraries, runtime) : undefined;
  const askProcess: number[] = [];
  // The hash of `name@VERSION` is that of no name.
  const elsewhere = hasVersions ? undefined : inNoLibrary(ids, libraries, resolution.tables);
  const byHand = dylib.hasDefinitions || dylib.linkOrder.length > 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    const references = resolution.references[id]!;
    const isThreadLocal = (references & Reference.tls) !== 0;
    if ((references & Reference.hidden) !== 0) {
      // The JITDylib is the component that the name is hidden in.
      const own = dylib.linked.size === 0 ? undefined : findIn(job, dylib, pool.name(id), isThreadLocal);
      if (own !== undefined) found.known.push({ id, address: own, kind: ExternalKind.unknown });
      else if ((references & Reference.strong) !== 0) found.missing.push(id);
      else found.known.push({ id, address: 0, kind: ExternalKind.absent });
      continue;
    }
    const address = byHand ? findEarlier(job, pool.name(id), isThreadLocal) : undefined;
    if (address !== undefined) {
      found.known.push({ id, address, kind: ExternalKind.unknown });
      continue;
    }
    const first = unwinder !== undefined && pool.startsWith(id, UNWINDER_PREFIX) ? [unwinder] : libraries;
    const inLibrary = first === libraries && elsewhere?.[i] === 1 ? undefined : findInLibraries(first, id, pool);
    if (inLibrary !== undefined) {
      used.add(inLibrary.library);
      takeFromLibrary(inLibrary, resolution, found);
    } else askProcess.push(id);
  }
  const unknown = await findInProcess(askProcess, dylib, resolution, job.context, found);
  const implicit = unknown.length === 0 || !hasProcess(dylib) ? [] : [...implicitLibraries(runtime)];
  for (const id of unknown) {
    const inLibrary = findInLibraries(implicit, id, pool);
    if (inLibrary !== undefined) {
      used.add(inLibrary.library);
      takeFromLibrary(inLibrary, resolution, found);
    } else if ((resolution.references[id]! & Reference.strong) !== 0) found.missing.push(id);
    else found.known.push({ id, address: 0, kind: ExternalKind.absent });
  }
  for (const library of libraries) if (!library.asNeeded || used.has(library)) found.libraries.push(library);
  if (unwinder !== undefined && used.has(unwinder)) found.libraries.push(unwinder);
  for (const library of implicit) if (used.has(library)) found.libraries.push(library);
  return found;
}

/** A 1 for each name that none of the libraries has, of which there are many; undefined where the kernel cannot say so. */
function inNoLibrary(
  ids: readonly number[],
  libraries: readonly SharedLibraryGenerator[],
  { pool, columns }: GraphTables,
): Uint8Array | undefined {
  if (ids.length < MANY) return undefined;
  const block = columns.block(4 * ids.length);
  const copy = block.int32(ids.length);
  copy.set(ids);
  const hashed = HashedNames.of(copy, pool, columns);
  try {
    if (hashed === undefined) return undefined;
    const absent = new Uint8Array(ids.length).fill(1);
    for (const { library } of libraries) {
      if (isOfCLibrary(library.soname)) continue;
      const candidates = hashed.candidates(library);
      if (candidates === undefined) return undefined;
      for (const position of candidates) absent[position] = 0;
    }
    return absent;
  } finally {
    hashed?.release();
    block.release();
  }
}

function takeFromLibrary(inLibrary: LibrarySymbol, resolution: SymbolResolution, found: ExternalNames): void {
  const { id, library, symbol } = inLibrary;
  const isThreadLocal = symbol.type === STT_TLS;
  if ((resolution.references[id]! & (isThreadLocal ? Reference.plain : Reference.tls)) !== 0) {
    throw threadLocalMismatches(resolution.tables, [id], { name: library.library.file, isThreadLocal });
  }
  if (isThreadLocal) {
    found.threadLocals.push(id);
    found.threadLocalLibraries.add(library);
  } else found.fromLibraries.push(inLibrary);
}

function hasProcess(dylib: JITDylib): boolean {
  return dylib.generators.some((generator) => generator.kind === "process");
}

function findInLibraries(
  libraries: readonly SharedLibraryGenerator[],
  id: number,
  pool: SymbolStringPool,
): LibrarySymbol | undefined {
  if (libraries.length === 0) return undefined;
  const text = pool.bytes(id);
  // Few of the names that are asked for are a library's: strings are for those.
  const hash = text.includes(VERSION_MARK) ? undefined : pool.gnuHash(id);
  let asked: VersionedName | undefined;
  for (const library of libraries) {
    // It is in every process; what it defines is the process's to say (its data may have been copied).
    if (isOfCLibrary(library.library.soname)) continue;
    if (hash !== undefined && !library.library.mayDefine(hash)) continue;
    asked ??= splitVersion(pool.name(id));
    const { name: plain, version } = asked;
    const symbol = library.library.lookup(plain, version);
    if (symbol !== undefined && (version !== undefined || symbol.isDefaultVersion)) {
      return { id, library, symbol, version };
    }
  }
  return undefined;
}

async function findInProcess(
  ids: readonly number[],
  dylib: JITDylib,
  resolution: SymbolResolution,
  target: ExecutorTarget,
  found: ExternalNames,
): Promise<number[]> {
  if (!hasProcess(dylib) || ids.length === 0) return [...ids];
  const unknown: number[] = [];
  const plain: number[] = [];
  for (const id of ids) {
    // The address that dlsym gives for a thread-local variable is the asking thread's: the loader must be asked otherwise.
    if ((resolution.references[id]! & Reference.tls) !== 0) unknown.push(id);
    else plain.push(id);
  }
  const names = plain.map((id) => resolution.tables.pool.name(id));
  const addresses = names.length === 0 ? [] : await resolveInProcess(target, names);
  found.firstOfProcess = found.known.length;
  plain.forEach((id, i) => {
    if (addresses[i] !== 0 && threadLocalsOfC.has(names[i]!)) {
      throw threadLocalMismatches(resolution.tables, [id], { name: "the C library", isThreadLocal: true });
    }
    if (addresses[i] !== 0) found.known.push({ id, address: addresses[i]!, kind: ExternalKind.unknown });
    else unknown.push(id);
  });
  found.ofProcess = found.known.length - found.firstOfProcess;
  return unknown;
}

/** `external` for another process of the same program, all else being equal; undefined when that lacks something. */
export async function inOtherProcess(
  external: ExternalNames,
  { tables }: SymbolResolution,
  epc: ExecutorProcessControl,
): Promise<ExternalNames | undefined> {
  const { known, firstOfProcess, ofProcess } = external;
  const ours = known.slice(firstOfProcess, firstOfProcess + ofProcess);
  const names = ours.map(({ id }) => tables.pool.name(id));
  const addresses = await epc.resolve(0, names);
  if (addresses.includes(0)) return undefined;
  const moved = ours.map((each, i) => ({ ...each, address: addresses[i]! }));
  return { ...external, known: known.toSpliced(firstOfProcess, ofProcess, ...moved) };
}

function* implicitLibraries(runtime: RuntimeLibraries): Generator<SharedLibraryGenerator, void, undefined> {
  for (const { soname, library } of runtime.implicit()) {
    yield new SharedLibraryGenerator(library, soname, { asNeeded: true });
  }
}
