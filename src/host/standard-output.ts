import { fstatSync, openSync } from "node:fs";
import { isatty } from "node:tty";
import { findSymbols, PROCESS } from "./dynamic-loader.ts";
import { libc } from "./libc.ts";
import { readMemory } from "./view.ts";

/** _IOFBF, _IOLBF of <stdio.h>. */
const FULLY_BUFFERED = 0;
const LINE_BUFFERED = 1;

/** Size of the buffer that `bufferStandardOutput` needs: st_blksize of pipes and files. */
export const OUTPUT_BUFFER_SIZE = 4096;

/**
 * Node makes the C library's stdout unbuffered when it starts. A program expects what every process begins with: lines to a
 * terminal, blocks to anything else. The buffer must stay until the process ends.
 */
export function bufferStandardOutput(buffer: number): void {
  const [variable] = findSymbols(PROCESS, ["stdout"]);
  if (variable === 0) return;
  const stream = Number(new DataView(readMemory(variable, 8).buffer).getBigUint64(0, true));
  libc.setvbuf(stream, buffer, isatty(1) ? LINE_BUFFERED : FULLY_BUFFERED, OUTPUT_BUFFER_SIZE);
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
