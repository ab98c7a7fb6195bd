import { basename } from "node:path";
import { LinkError } from "../errors.ts";
import type { Input } from "../inputs/input.ts";

/** D's run-time library of gdc, ldc and dmd as a shared library. */
const D_RUNTIME = /^lib(gphobos|gdruntime|druntime|phobos2)/;
/** Run-time libraries of sanitizers that take over the C library's functions and note every thread from its start. */
const SANITIZER = /^lib([at])san\.so/;

/**
 * Refuses the shared libraries that would be loaded too late, or on the wrong thread, to serve a program.
 *
 * In this process libraries' constructors run on Node's main thread, the program on another; D's run-time library lists
 * what it has to initialize in a thread-local of the former, and would leave all of it out.
 * @param preload the process's LD_PRELOAD
 * @throws LinkError
 */
export function checkLibraries(inputs: readonly Input[], inProcess: boolean, preload: string | undefined): void {
  for (const input of inputs) {
    if (input.kind !== "shared-library") continue;
    const { file, soname = basename(file) } = input.library;
    if (inProcess && D_RUNTIME.test(soname)) {
      throw new LinkError(
        "link",
        `${file}: D's shared run-time library has to be loaded on the program's main thread, which is Node's in this process; link its archive (libgphobos.a), or run in the executor`,
      );
    }
    const sanitizer = SANITIZER.exec(soname);
    if (sanitizer !== null && (inProcess || !preload?.includes(sanitizer[0]))) {
      const name = sanitizer[1] === "a" ? "address" : "thread";
      const where = inProcess ? "run in the executor, with" : "run with";
      throw new LinkError(
        "link",
        `${file}: the ${name} sanitizer has to be the first library of a process; ${where} LD_PRELOAD=${file}`,
      );
    }
  }
}
