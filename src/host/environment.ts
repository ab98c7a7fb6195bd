import { findSymbols, LoadFlag, loadLibrary, PROCESS } from "./dynamic-loader.ts";
import { libc } from "./libc.ts";

/**
 * Node's executable holds the process's copy of `environ` (a copy relocation). Libraries opened with DEEPBIND see the
 * C library's own instead, which nobody sets: it gets the value here, before such a library or a program starts.
 */
export function shareEnvironment(): void {
  const [processCopy] = findSymbols(PROCESS, ["environ"]);
  const [libraryCopy] = findSymbols(loadLibrary("libc.so.6", LoadFlag.now | LoadFlag.noLoad), ["environ"]);
  if (processCopy !== 0 && libraryCopy !== 0 && processCopy !== libraryCopy) libc.memcpy(libraryCopy, processCopy, 8);
}
