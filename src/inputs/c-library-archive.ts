import { basename } from "node:path";
import type { Archive } from "../formats/archive.ts";

/** An archive that is (a part of) a C library for statically linked programs. */
export type CLibraryArchive =
  /** glibc's own; `soname` is the shared library with the same functions that every process can have. */
  | { readonly kind: "glibc"; readonly soname: string }
  /** Another C library, musl's for one. */
  | { readonly kind: "other" };

/** glibc's archives by their names and by a function of theirs that nobody else has. */
const glibcArchives: readonly { file: RegExp; holds: string; soname: string }[] = [
  { file: /^libc\.a$/, holds: "_dl_aux_init", soname: "libc.so.6" },
  { file: /^libm(-[\d.]+)?\.a$/, holds: "__sin_fma", soname: "libm.so.6" },
  { file: /^libresolv\.a$/, holds: "__p_class_syms", soname: "libresolv.so.2" },
  { file: /^libmvec\.a$/, holds: "_ZGVbN2v_sin_sse4", soname: "libmvec.so.1" },
];

/** What every C library's archive defines, and hardly an archive that is called so for another reason. */
const everyLibc = ["malloc", "printf", "exit", "memcpy", "__errno_location"];

/** Recognizes a C library's archive by its file name and its index; undefined for any other archive. */
export function cLibraryArchive(archive: Archive): CLibraryArchive | undefined {
  const file = basename(archive.file);
  if (!/^lib[cmr]/.test(file)) return undefined;
  const { index } = archive;
  if (index === undefined) return undefined;
  for (const each of glibcArchives) {
    if (each.file.test(file) && index.has(each.holds)) return { kind: "glibc", soname: each.soname };
  }
  return file === "libc.a" && everyLibc.every((name) => index.has(name)) ? { kind: "other" } : undefined;
}
