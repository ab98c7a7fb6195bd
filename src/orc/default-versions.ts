import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import { splitVersion } from "../formats/elf/symbol-versions.ts";
import type { LinkJob } from "./link-job.ts";

/**
 * A reference to `foo@VER` where VER is the version of `foo` that its library has by default is one to `foo`: both must have one
 * address, also where that is a stub. Gives the names with such references put together.
 */
export function uniteDefaultVersions(job: LinkJob, ids: readonly number[]): number[] {
  const { tables, resolution, dylib, context } = job;
  const united = new Set<number>();
  const renamed = new Map<number, number>();
  const libraries = dylib.generators.flatMap((each) => (each.kind === "shared-library" ? [each.library] : []));
  for (const { library } of context.runtime.ofProcess()) libraries.push(library);
  for (const id of ids) {
    const { name, version } = splitVersion(tables.pool.name(id));
    if (version === undefined) {
      united.add(id);
      continue;
    }
    const symbol = firstWith(libraries, name, version);
    const plain = tables.pool.internString(name);
    const isOther = (resolution.definition[plain] ?? 0) !== 0 || job.aliases.has(plain);
    const isDefault = symbol?.isDefaultVersion === true && !isOther;
    if (isDefault) {
      renamed.set(id, plain);
      // No reference has it any more, but it may be looked up, or have aliases.
      job.aliases.set(id, plain);
    }
    united.add(isDefault ? plain : id);
  }
  if (renamed.size > 0) resolution.rename(renamed);
  return [...united];
}

function firstWith(libraries: readonly SharedLibrary[], name: string, version: string): DynamicSymbol | undefined {
  for (const library of libraries) {
    const symbol = library.lookup(name, version);
    if (symbol !== undefined) return symbol;
  }
  return undefined;
}
