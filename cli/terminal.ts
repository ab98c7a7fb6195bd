import { writeSync } from "node:fs";

/**
 * Writes a text to standard error, whole. Goes to the descriptor itself: opening `process.stderr` or `process.stdout`
 * would switch the descriptor, which the program shares with us, to non-blocking.
 */
export function writeError(text: string): void {
  writeAll(2, text);
}

/** Writes a text to standard output, whole; for commands that run no program. */
export function writeOutput(text: string): void {
  writeAll(1, text);
}

function writeAll(descriptor: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // Whoever gave us the descriptor may have made it non-blocking.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else if (code === "EPIPE") return;
      else throw error;
    }
  }
}
