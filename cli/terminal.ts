import { writeSync } from "node:fs";
import { SlablinkError } from "../src/errors.ts";
import { systemReason } from "../src/host/system-error.ts";

/**
 * Writes a text to standard error, whole, or as much as can be written: there is nobody to be told of the rest, and a status
 * says more than that. Goes to the descriptor itself: opening `process.stderr` or `process.stdout`
 * would switch the descriptor, which the program shares with us, to non-blocking.
 */
export function writeError(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // A full disk, say.
  }
}

/**
 * Writes a text to standard output, whole; for commands that run no program. A reader that has gone away is no error.
 * Errors: code "file", when it cannot be written.
 */
export function writeOutput(text: string): void {
  try {
    writeAll(1, text);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EPIPE") return;
    throw new SlablinkError("file", `standard output: cannot be written: ${systemReason(cause)}`, { cause });
  }
}

function writeAll(descriptor: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // Whoever gave us the descriptor may have made it non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
