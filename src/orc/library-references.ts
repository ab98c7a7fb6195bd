import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import type { LinkJob } from "./link-job.ts";
import { UndefinedSymbolsError } from "./undefined-symbols.ts";

/**
 * Refuses shared libraries that refer to functions which nothing defines, as linkers do: the loader binds functions when they are
 * first called, and would end the program in the middle. Asked of libraries that the user brings; those of the system, which the
 * loader finds by name, are complete.
 */
export async function checkLibraryReferences(job: LinkJob): Promise<void> {
  const { tables, resolution, external, context } = job;
  const missing = new Map<string, string>();
  for (const { library, loadName } of external.libraries) {
    if (!loadName.includes("/")) continue;
    const others = closure(job, library);
    if (others === undefined) continue;
    for (const name of library.undefinedNames()) {
      const id = tables.pool.findString(name);
      if ((resolution.definition[id] ?? 0) !== 0 || missing.has(name)) continue;
      if (!others.some((other) => other.lookup(name) !== undefined)) missing.set(name, library.file);
    }
  }
  if (missing.size === 0) return;
  const names = [...missing.keys()];
  const addresses = await context.epc.resolve(0, names);
  const undefinedHere = names.filter((_, i) => addresses[i] === 0);
  if (undefinedHere.length === 0) return;
  throw new UndefinedSymbolsError(
    undefinedHere.map((name) => ({ name, references: [], note: `referenced by ${missing.get(name)!}` })),
  );
}

/** The libraries of the job, and all that `library` needs; undefined when one of those is not found where we look. */
function closure({ external, context }: LinkJob, library: SharedLibrary): SharedLibrary[] | undefined {
  const found = new Set(external.libraries.map((each) => each.library));
  const known = new Set(external.libraries.map((each) => each.library.soname));
  const reached = [library];
  for (const each of reached) {
    for (const soname of each.needed) {
      if (known.has(soname)) continue;
      known.add(soname);
      const needed = context.runtime.find(soname);
      if (needed === undefined) return undefined;
      found.add(needed);
      reached.push(needed);
    }
  }
  return [...found];
}
