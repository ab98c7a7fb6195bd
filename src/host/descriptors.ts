import { closeSync, fstatSync, openSync } from "node:fs";
import { koffi } from "./koffi.ts";
import { libc } from "./libc.ts";

const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;

/** Takes close-on-exec off a descriptor, so that programs started from here have it. */
export function inheritDescriptor(fd: number): void {
  libc.fcntl(fd, F_SETFD, 0);
}

/** A copy of a descriptor, closed on exec, with a number of at least `lowest`. */
export function duplicateAbove(fd: number, lowest: number): number {
  return libc.fcntl(fd, F_DUPFD_CLOEXEC, lowest);
}

/**
 * Sends what is written to standard error nowhere, until `restoreStandardError` gets the descriptor that this gives. It survives
 * execve(2): Node, started with much room for thread-locals, complains of a thread of its debugger that it can do without.
 */
export function silenceStandardError(): number {
  const saved = call("dup", 2);
  const nothing = openSync("/dev/null", "w");
  koffi().load(null).func("dup2", "int", ["int", "int"])(nothing, 2);
  closeSync(nothing);
  return saved;
}

/** Puts standard error back and closes the descriptor that kept it. */
export function restoreStandardError(saved: number): void {
  koffi().load(null).func("dup2", "int", ["int", "int"])(saved, 2);
  closeSync(saved);
}

function call(name: string, argument: number): number {
  return koffi().load(null).func(name, "int", ["int"])(argument) as number;
}

/** Node marks its standard descriptors close-on-exec; a program in this process expects its children to have them. */
export function inheritStandardDescriptors(): void {
  for (const fd of [0, 1, 2]) inheritDescriptor(fd);
}

/** Opens /dev/null for what a program has closed of descriptors 0 to 2: what ends with Node's process writes and syncs them. */
export function reopenStandardDescriptors(): void {
  for (const fd of [0, 1, 2]) {
    try {
      fstatSync(fd);
    } catch {
      openSync("/dev/null", "r+"); // the lowest that is free: this one
    }
  }
}
