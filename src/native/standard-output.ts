import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { findSymbols, PROCESS } from "../host/dynamic-loader.ts";
import { libc } from "../host/libc.ts";
import { MapFlag, mapMemory, PAGE_SIZE, Protection } from "../host/mapping.ts";
import { readMemory } from "../host/view.ts";

/** _IOFBF and _IOLBF of <stdio.h>: write when the buffer is full, or at the end of a line too. */
const Buffering = { full: 0, line: 1 } as const;

/** BUFSIZ of <stdio.h>. */
const LARGEST_BUFFER = 8192;

let buffered = false;

/**
 * Gives the C library's `stdout` the buffer that it has in a process of its own: Node takes it away when it starts. What
 * a program has not flushed is then lost in a crash, and written twice after a fork, as anywhere else. Once a process.
 */
export function bufferStandardOutput(): void {
  if (buffered) return;
  buffered = true;
  const [variable] = findSymbols(PROCESS, ["stdout"]);
  const size = bufferSize();
  if (variable === 0 || size === 0) return;
  const [stream] = new BigUint64Array(readMemory(variable, 8).buffer);
  const protection = Protection.read | Protection.write;
  const buffer = mapMemory({
    size: Math.ceil(size / PAGE_SIZE) * PAGE_SIZE,
    protection,
    flags: MapFlag.private | MapFlag.anonymous,
  });
  libc.setvbuf(Number(stream), buffer, isatty(1) ? Buffering.line : Buffering.full, size);
}

/** As the C library chooses it: the file's preferred block, if that is smaller; 0 when descriptor 1 is closed. */
function bufferSize(): number {
  try {
    const { blksize } = fstatSync(1);
    return blksize > 0 && blksize < LARGEST_BUFFER ? blksize : LARGEST_BUFFER;
  } catch {
    return 0;
  }
}
