// Programs that define names which libraries refer to. In an ordinary process the program precedes all libraries in every scope;
// here some of them were there before it. What sets that right is C code of ours (executor/linked), which is linked like a program's.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { LinkError } from "../errors.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import { SymbolName } from "../formats/elf/shared-library-hash.ts";
import { readingOpener } from "../inputs/file-opener.ts";
import { ProcessSymbolsGenerator } from "./definition-generator.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { executorPath } from "./executor-path.ts";
import { exportedSymbols } from "./exported-symbols.ts";
import type { LinkJob } from "./link-job.ts";

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

/** Links the functions, as a job of their own. Errors: LinkError when the object has not been built. */
export async function linkInterposition(session: ExecutionSession): Promise<Interposition> {
  const file = join(dirname(executorPath()), "slablink-interpose.o");
  if (!existsSync(file)) {
    throw new LinkError("link", `the program replaces functions of libraries, for which ${file} has to be built: run \`npm run setup\``);
  }
  const dylib = session.createJITDylib("slablink-interposition");
  dylib.addObject(readingOpener.open(file));
  dylib.addGenerator(new ProcessSymbolsGenerator());
  const addresses = await session.lookup(dylib, Object.values(NAMES));
  const address = (name: string): number => addresses.get(name)!;
  return { hold: address(NAMES.hold), start: address(NAMES.start), end: address(NAMES.end) };
}

/** Whether libraries of the job, or the C library, refer to names that the job or one of its libraries is to define for them. */
export function interposes(job: LinkJob): boolean {
  const { resolution, tables, external } = job;
  const { pool } = tables;
  const isDefined = (id: number): boolean => (resolution.definition[id] ?? 0) !== 0;
  if (ALLOCATOR.some((name) => isDefined(pool.internString(name)))) return true;
  const libraries = external.libraries.map(({ library }) => library);
  if (libraries.length === 0) return false;
  const exported = exportedSymbols(tables, resolution);
  const ids = new Set(exported.map(({ id }) => id));
  const names = exported.map(({ name }) => new SymbolName(name));
  const allocator = ALLOCATOR.map((name) => new SymbolName(new TextEncoder().encode(name)));
  for (const library of closure(libraries, job)) {
    if (names.some((name) => library.find(name) !== 0)) return true;
    let refers = false;
    library.forEachImport((strings, at) => {
      refers ||= ids.has(pool.intern(strings.view, strings.start + at, strings.start + strings.length));
    });
    if (refers) return true;
    if (allocator.some((name) => library.find(name) !== 0)) return true;
  }
  return false;
}

/** The libraries and those that they need, as far as they can be found. */
function closure(libraries: readonly SharedLibrary[], job: LinkJob): Set<SharedLibrary> {
  const { runtime } = job.context;
  const standard = new Set(["libc.so.6", "ld-linux-x86-64.so.2"]);
  for (const { soname } of runtime.implicit()) standard.add(soname);
  const all = new Set(libraries.filter(({ soname }) => soname === undefined || !isCLibrary(soname)));
  for (const library of all) {
    if (library.soname !== undefined && standard.has(library.soname)) continue;
    for (const soname of library.needed) {
      const found = standard.has(soname) ? undefined : runtime.find(soname);
      if (found !== undefined) all.add(found);
    }
  }
  return all;
}

function isCLibrary(soname: string): boolean {
  return soname === "libc.so.6" || soname === "ld-linux-x86-64.so.2";
}
