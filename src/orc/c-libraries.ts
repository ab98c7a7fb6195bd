import { LinkError } from "../errors.ts";
import type { Archive } from "../formats/archive.ts";
import { cLibraryArchive } from "../inputs/c-library-archive.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { MemberFilter } from "./archive-source.ts";
import { SharedLibraryGenerator, type StaticArchiveGenerator } from "./definition-generator.ts";
import { OtherCLibrary } from "./other-c-library.ts";

/** Names that only members of glibc's archives refer to, which some tool has made part of another file (ld -r). */
const privateNames = new Set(["_dl_x86_cpu_features", "errno"]);

/** What to do with a C library's archive: the shared library that stands for it, or which of its members to link. */
export type CLibraryRule =
  | { readonly library: SharedLibraryGenerator }
  | { readonly library?: undefined; readonly accepts: MemberFilter };

/**
 * The archives of C libraries among the inputs of a job. There is one C library in a process, and it is there before anything is
 * linked. glibc's own archives have the functions that its shared libraries have, made for a process that has no loader: those
 * of the process stand for them. Of another C library see other-c-library.ts.
 */
export class CLibraries {
  /** Shared libraries that stand for archives, in order. */
  readonly libraries: SharedLibraryGenerator[] = [];
  readonly #replaced: { archive: Archive; soname: string }[] = [];
  readonly #others: OtherCLibrary[] = [];

  /**
   * The rule for an archive; undefined for one that is no C library's. Errors: LinkError for `--whole-archive` of another C
   * library.
   */
  ruleFor({ archive, whole }: StaticArchiveGenerator, runtime: RuntimeLibraries): CLibraryRule | undefined {
    const found = cLibraryArchive(archive);
    if (found === undefined) return undefined;
    const soname = found.kind === "glibc" ? found.soname : "libc.so.6";
    const shared = runtime.find(soname);
    if (shared === undefined) return undefined;
    if (found.kind === "glibc") {
      const library = new SharedLibraryGenerator(shared, soname, { asNeeded: true });
      this.libraries.push(library);
      this.#replaced.push({ archive, soname });
      return { library };
    }
    if (whole) {
      throw new LinkError(
        "link",
        `${archive.file}: is a whole C library, and the process has one: two cannot be in it`,
      );
    }
    const other = new OtherCLibrary(archive, shared);
    this.#others.push(other);
    return { accepts: (name, member, inside) => other.accepts(name, member, inside) };
  }

  /** Why a name that an archive here defines is undefined all the same; undefined if none does. */
  objection(name: string): string | undefined {
    for (const { archive, soname } of this.#replaced) {
      if (archive.index?.has(name) !== true) continue;
      return `${archive.file} has it, but the process's own ${soname} stands for that: two C libraries cannot be in one process`;
    }
    for (const other of this.#others) {
      const objection = other.objection(name);
      if (objection !== undefined) return objection;
    }
    if (!privateNames.has(name)) return undefined;
    return "glibc's archives (libm.a) have it for themselves: link with the shared library (-lm) in place of their members";
  }
}
