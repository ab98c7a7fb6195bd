import { findSymbols, LoadFlag, loadLibrary, RTLD_DEFAULT } from "./dynamic-loader.ts";
import { libc } from "./libc.ts";

const RTLD_NOLOAD = 0x4;

/**
 * Node's executable holds the process's copy of `environ` (a copy relocation). Libraries opened with DEEPBIND see the
 * C library's own instead, which nobody sets: it gets the value here, before such a library or a program starts.
 */
export function shareEnvironment(): void {
  const [processCopy] = findSymbols(RTLD_DEFAULT, ["environ"]);
  const [libraryCopy] = findSymbols(loadLibrary("libc.so.6", LoadFlag.now | RTLD_NOLOAD), ["environ"]);
  if (processCopy !== 0 && libraryCopy !== 0 && processCopy !== libraryCopy) libc.memcpy(libraryCopy, processCopy, 8);
}
