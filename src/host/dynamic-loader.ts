import { SlablinkError } from "../errors.ts";
import { koffi } from "./koffi.ts";
import { libc } from "./libc.ts";
import { readMemory } from "./view.ts";

/** dlopen(3) flags, as in <dlfcn.h> of glibc. */
export const LoadFlag = { lazy: 0x1, now: 0x2, noLoad: 0x4, deepBind: 0x8, global: 0x100, local: 0x0 } as const;

/** Stands for the process as a whole: what the loader itself would find, in the same order. */
export const PROCESS = 0;

let processHandle = 0;

const RTLD_DI_LINKMAP = 2;
const encoder = new TextEncoder();

/** dlopen(3). Errors: code "file" with dlerror's text, which names the library and often what it misses. */
export function loadLibrary(path: string, flags: number): number {
  // Declared beforehand: declaring it looks a symbol up, which would clear the error.
  const { dlopen, dlerror } = libc;
  const handle = dlopen(path, flags);
  if (handle === 0) throw new SlablinkError("file", dlerror() ?? `${path}: cannot be loaded`);
  return handle;
}

/** dlclose(3). */
export function unloadLibrary(handle: number): void {
  const { dlclose, dlerror } = libc;
  if (dlclose(handle) !== 0) throw new SlablinkError("file", dlerror() ?? "cannot unload a library");
}

/** Whether a library is loaded under exactly this path. */
export function isLoaded(path: string): boolean {
  const handle = libc.dlopen(path, LoadFlag.lazy | LoadFlag.noLoad);
  if (handle !== 0) libc.dlclose(handle);
  return handle !== 0;
}

/**
 * Addresses of `names` in a library (or PROCESS), 0 where absent: 0.4 µs a name beyond the loader's own search. `name@VERSION`
 * is that very version.
 */
export function findSymbols(handle: number, names: readonly string[]): Float64Array {
  const addresses = new Float64Array(names.length);
  if (names.length === 0) return addresses;
  // Not RTLD_DEFAULT: with it the loader notes that koffi needs what was found, which then can never be unloaded.
  if (handle === PROCESS) {
    processHandle ||= libc.dlopen(null, LoadFlag.lazy);
    handle = processHandle;
  }
  // All names in one buffer outside V8's heap: one address to ask for, no conversion per call.
  // A name with a NUL inside cannot exist; as it stands the loader would look up its first part.
  const text = encoder.encode(names.map((name) => (name.includes("\0") ? "\0" : `${name}\0`)).join(""));
  // No name in a dynamic symbol table holds the mark that separates a name from its version.
  const hasVersions = text.includes(0x40);
  const table = new Uint8Array(new ArrayBuffer(text.length + 64));
  table.set(text);
  const base = Number(koffi().address(table));
  let offset = 0;
  for (let i = 0; i < names.length; i++) {
    const end = table.indexOf(0, offset);
    const mark = hasVersions ? table.subarray(offset, end).indexOf(0x40) : -1;
    if (mark >= 0) {
      table[offset + mark] = 0;
      addresses[i] = libc.dlvsym(handle, base + offset, base + offset + mark + 1);
    } else if (table[offset] !== 0) addresses[i] = libc.dlsym(handle, base + offset);
    offset = end + 1;
  }
  return addresses;
}

/** l_addr of a loaded library's link map: the difference between its addresses and those in its file (dlinfo(3)). */
export function loadBias(handle: number): number {
  const result = new Uint8Array(8);
  const { dlinfo, dlerror } = libc;
  if (dlinfo(handle, RTLD_DI_LINKMAP, result) !== 0) {
    throw new SlablinkError("file", dlerror() ?? "no link map for a loaded library");
  }
  const linkMap = Number(new DataView(result.buffer).getBigUint64(0, true));
  return Number(new DataView(readMemory(linkMap, 8).buffer).getBigInt64(0, true));
}
