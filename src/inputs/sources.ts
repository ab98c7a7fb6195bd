import { extname } from "node:path";

/** Suffixes that gcc compiles as C or assembler. */
const C_SUFFIXES = new Set([".c", ".i", ".s", ".S", ".sx"]);
/** Suffixes of C++. */
export const CXX_SUFFIXES: ReadonlySet<string> = new Set([".cc", ".cp", ".cxx", ".cpp", ".CPP", ".c++", ".C", ".ii"]);

/** Whether a file is compiled before it is linked, judged by its suffix as gcc does. */
export function isSource(path: string): boolean {
  return C_SUFFIXES.has(extname(path)) || CXX_SUFFIXES.has(extname(path));
}
