import { extname } from "node:path";

/** Suffixes that gcc compiles as C or assembler. */
const C_SUFFIXES = new Set([".c", ".i", ".s", ".S", ".sx"]);
/** Suffixes of C++. */
export const CXX_SUFFIXES: ReadonlySet<string> = new Set([".cc", ".cp", ".cxx", ".cpp", ".CPP", ".c++", ".C", ".ii"]);

/** Whether a file is compiled before it is linked, judged by its suffix as gcc does. */
export function isSource(path: string): boolean {
  return C_SUFFIXES.has(extname(path)) || CXX_SUFFIXES.has(extname(path));
}

/** What gcc's and clang's -x calls the language of a suffix, where it is not the suffix's own compiler that decides. */
const LANGUAGES: Readonly<Record<string, string>> = {
  ".c": "c",
  ".i": "cpp-output",
  ".s": "assembler",
  ".S": "assembler-with-cpp",
  ".sx": "assembler-with-cpp",
  ".ii": "c++-cpp-output",
};

/** The language of a source, by its suffix, in the words of `-x`. */
export function languageOf(path: string): string {
  return LANGUAGES[extname(path)] ?? "c++";
}
