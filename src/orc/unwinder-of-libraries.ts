import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { SharedLibraryGenerator } from "./definition-generator.ts";

/** What a C++ runtime library has, and what the unwinder below it has (Itanium C++ ABI: Exception Handling, level II and I). */
const THROW = "__cxa_throw";
const RAISE = "_Unwind_RaiseException";
/** Names that belong to an unwinder. */
export const UNWINDER_PREFIX = "_Unwind_";

/**
 * The unwinder of the C++ runtime library among `libraries`, if it brings one of its own (libc++abi: LLVM's libunwind). A library that
 * this process opens apart binds to that, although Node has libgcc_s; the program's frames must ask the one that unwinds them.
 */
export function unwinderOfLibraries(
  libraries: readonly SharedLibraryGenerator[],
  runtime: RuntimeLibraries,
): SharedLibraryGenerator | undefined {
  const thrower = libraries.find(({ library }) => library.lookup(THROW) !== undefined);
  for (const soname of thrower?.library.needed ?? []) {
    const library = runtime.find(soname);
    if (library?.lookup(RAISE) !== undefined) return new SharedLibraryGenerator(library, soname, { asNeeded: true });
  }
  return undefined;
}
