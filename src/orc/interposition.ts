// Programs that define names which libraries refer to. In an ordinary process the program precedes all libraries in every scope;
// here some of them were there before it. What sets that right is C code of ours (executor/linked), which is linked like a program's.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { SharedLibrary } from "../formats/elf/shared-library.ts";
import { SymbolName } from "../formats/elf/shared-library-hash.ts";
import { readingOpener } from "../inputs/file-opener.ts";
import { C_LIBRARY, isOfCLibrary, isOfEveryProcess } from "../inputs/runtime-libraries.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { exportsOf } from "./exports-of-job.ts";
import type { LinkJob } from "./link-job.ts";
import { linkOwnObject } from "./link-own-object.ts";

/** Addresses of the functions in executor/linked. */
export interface Interposition {
  /** The anchor's initializer: keeps the constructors of the libraries that come with it for later. */
  readonly hold: number;
  /** void start(int argc, char **argv, char **envp), before the program's constructors: binds libraries to the program. */
  readonly start: number;
  /** After the program's last handler. */
  readonly end: number;
}

const NAMES = { hold: "__slablink_hold", start: "__slablink_start", end: "__slablink_end" } as const;

/** What the C library calls by name and not directly: its allocator (glibc's manual, "Replacing malloc"). */
const ALLOCATOR = ["malloc", "calloc", "realloc", "free", "memalign", "aligned_alloc", "posix_memalign", "valloc"];

/** Variables of the C library of which Node's executable has copies: libraries must be shown them. The C++ library has more. */
const COPIED = [
  "stdin",
  "stdout",
  "stderr",
  "environ",
  "__environ",
  "_environ",
  "timezone",
  "__timezone",
  "tzname",
  "__tzname",
];

/** Links the functions, as a job of their own. Errors: LinkError when the object has not been built. */
export async function linkInterposition(session: ExecutionSession): Promise<Interposition> {
  const purpose = "the program replaces functions of libraries";
  return linkOwnObject(session, "slablink-interposition", "slablink-interpose.o", NAMES, purpose);
}

/** Whether libraries of the job, or the C library, refer to names that the job or one of its libraries is to define for them. */
export function interposes(job: LinkJob): boolean {
  const { resolution, tables, external } = job;
  const { pool } = tables;
  if (ALLOCATOR.some((name) => (resolution.definition[pool.findString(name)] ?? 0) !== 0)) return true;
  if (mayOpenLibraries(job)) return true;
  const libraries = external.libraries
    .filter(({ library }) => !isOfCLibrary(library.soname))
    .map(({ library }) => library);
  if (libraries.length === 0) return false;
  const inProcess = job.context.epc.kind === "in-process";
  const exports = exportsOf(job);
  const ids = new Uint8Array(pool.size);
  for (const id of exports.ids) ids[id] = 1;
  const copied = new Set(COPIED.map((name) => pool.internString(name)));
  const allocator = ALLOCATOR.map((name) => new SymbolName(new TextEncoder().encode(name)));
  for (const library of closure(libraries, job)) {
    // The constructors of the C and C++ libraries call nothing that a program could define but what it replaces by a strong definition.
    const isImplicit = isOfEveryProcess(library.soname);
    if (inProcess && library.needed.includes("libstdc++.so.6")) return true;
    // Inline functions that the C++ library has too mean the same, and its constructors call none.
    if (exports.areIn(library, !isImplicit)) return true;
    if (!isImplicit && allocator.some((name) => library.find(name) !== 0)) return true;
    let refers = false;
    library.forEachImport((strings, at) => {
      const id = pool.intern(strings.view, strings.start + at, strings.start + strings.length);
      refers ||= ids[id] === 1 || (inProcess && !isImplicit && copied.has(id));
    });
    if (refers) return true;
  }
  return false;
}

/** Whether the program opens libraries itself and has names of the C library's that those would find first there. */
function mayOpenLibraries(job: LinkJob): boolean {
  const { resolution, tables, context } = job;
  const id = tables.pool.findString("dlopen");
  if ((resolution.references[id] ?? 0) === 0 || (resolution.definition[id] ?? 0) !== 0) return false;
  const library = context.runtime.find(C_LIBRARY);
  return library !== undefined && exportsOf(job).areIn(library, false);
}

/** The libraries and those that they need, as far as they can be found; the standard ones need nothing that matters here. */
function closure(libraries: readonly SharedLibrary[], job: LinkJob): Set<SharedLibrary> {
  const all = new Set(libraries);
  for (const library of all) {
    if (isOfEveryProcess(library.soname)) continue;
    for (const soname of library.needed) {
      if (isOfEveryProcess(soname)) continue;
      const found = job.context.runtime.find(soname) ?? besides(library, soname);
      if (found !== undefined) all.add(found);
    }
  }
  return all;
}

/** Where DT_RUNPATH most often leads. */
function besides(library: SharedLibrary, soname: string): SharedLibrary | undefined {
  const path = join(dirname(library.file), soname);
  return existsSync(path) ? SharedLibrary.read(readingOpener.open(path)) : undefined;
}
