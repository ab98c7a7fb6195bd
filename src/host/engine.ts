import { koffi, type NativeFunction } from "./koffi.ts";

/** What `v8.setFlagsFromString` calls: void v8::V8::SetFlagsFromString(const char *, size_t). */
const SET_FLAGS = "_ZN2v82V818SetFlagsFromStringEPKcm";

let isTuned = false;
let setter: ((flags: string) => void) | undefined;

/**
 * For a process that links once and ends: V8 would optimize functions that are about to finish, on threads of its own; baseline
 * code does for a link of a second or less. To be called when Node's own modules have been loaded, whose compiled code is stored
 * for the default flags, and when a thread would wait anyway.
 */
export function tuneEngine(): void {
  // An engine that does not know a flag says so on stderr, which is the program's: each only for engines seen to know it.
  const engine = Number.parseInt(process.versions.v8, 10);
  const set = setFlag;
  if (engine <= 11) set("--interrupt-budget=600000");
  if (engine <= 14) {
    set("--sparkplug");
    // The young generation is collected when it is full, not in advance when four fifths are: a short link never gets there.
    set("--no-minor-gc-task");
  }
  // For kernel-code.ts; what V8 keeps depends on its flags, which must be the same when it is read.
  set("--allow-natives-syntax");
  isTuned = true;
}

/** Whether `tuneEngine` has been called. */
export function isEngineTuned(): boolean {
  return isTuned;
}

/** Sets a flag of V8's while it runs. */
export function setFlag(flag: string): void {
  setter ??= flagSetter();
  setter(flag);
}

/** node:v8 takes 1.5 ms to load, mostly streams for heap snapshots; the function behind it is exported by Node's executable. */
function flagSetter(): (flags: string) => void {
  let native: NativeFunction;
  try {
    native = koffi().load(null).func(SET_FLAGS, "void", ["str", "size_t"]);
  } catch {
    return process.getBuiltinModule("node:v8").setFlagsFromString;
  }
  return (flags) => void native(flags, flags.length);
}
