import { LinkError } from "../errors.ts";
import type { Input } from "../inputs/input.ts";

/** D's run-time library of gdc, ldc and dmd as a shared library. */
const D_RUNTIME = /^lib(gphobos|gdruntime|druntime|phobos2)/;

/**
 * Refuses the shared libraries that cannot serve a program in this process. Libraries' constructors run on Node's main
 * thread here, the program on another; D's run-time library lists what it has to initialize in a thread-local of the
 * former, and would leave all of it out.
 * @throws LinkError
 */
export function checkInProcessLibraries(inputs: readonly Input[]): void {
  for (const input of inputs) {
    if (input.kind !== "shared-library" || !D_RUNTIME.test(input.library.soname ?? "")) continue;
    throw new LinkError(
      "link",
      `${input.name}: D's shared run-time library has to be loaded on the program's main thread, which is Node's in this process; link its archive (libgphobos.a), or run in the executor`,
    );
  }
}
