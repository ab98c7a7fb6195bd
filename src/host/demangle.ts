import { findSymbols, LoadFlag, loadLibrary, PROCESS } from "./dynamic-loader.ts";
import { koffi } from "./koffi.ts";
import { libc } from "./libc.ts";
import { readMemory } from "./view.ts";

/** No name that a person will read is longer; the demangler's work grows with the name, in characters. */
const LONGEST = 16 * 1024;

let found: { readonly address: bigint; readonly prototype: object } | undefined;
let isSearched = false;

/**
 * The name of a C++ function as its source has it, and of Rust's with the legacy mangling (Itanium C++ ABI, section 5.1); any other
 * name as it is. The C++ run-time library's own function does it.
 */
export function demangle(name: string): string {
  if (!name.startsWith("_Z") || name.length > LONGEST) return name;
  const demangler = findDemangler();
  if (demangler === undefined) return name;
  const status = new Uint8Array(new ArrayBuffer(8));
  const text = Number(koffi().call(demangler.address, demangler.prototype, name, null, null, status));
  if (text === 0) return name;
  try {
    return readString(text);
  } finally {
    libc.free(text);
  }
}

function findDemangler(): typeof found {
  if (isSearched) return found;
  isSearched = true;
  try {
    const names = ["__cxa_demangle"];
    const own = findSymbols(PROCESS, names)[0];
    const address = own || findSymbols(loadLibrary("libstdc++.so.6", LoadFlag.lazy), names)[0]!;
    const parameters = ["str", "void *", "void *", "void *"];
    if (address !== 0) found = { address: BigInt(address), prototype: koffi().proto("intptr_t", parameters) };
  } catch {
    // Names stay as they are.
  }
  return found;
}

function readString(address: number): string {
  return new TextDecoder().decode(readMemory(address, libc.strlen(address)));
}
