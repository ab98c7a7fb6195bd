import { fstatSync } from "node:fs";
import { findSymbols, PROCESS } from "../host/dynamic-loader.ts";
import { libc } from "../host/libc.ts";
import { readPointer, writePointer } from "../host/view.ts";
import { mapPages } from "./native-pages.ts";

/** Signals that Node ignores from its start: PIPE, XFSZ. */
const IGNORED_BY_NODE = [13, 25];
const PR_SET_NAME = 15;
const BUFSIZ = 8192;
const IOFBF = 0;
const IOLBF = 1;

/**
 * For a process that is there only to run the program: what the program and the processes it starts see of it is theirs. The
 * actions of signals that Node has changed are the default ones, stdout is buffered; error messages, ps and the program's threads
 * have its name.
 */
export function becomeProgram(argv0: string): void {
  for (const signal of IGNORED_BY_NODE) libc.sigaction(signal, new Uint8Array(152), null);
  const name = Buffer.from(`${argv0}\0`);
  const short = argv0.lastIndexOf("/") + 1;
  const text = mapPages(name.length);
  libc.memcpy(text, name, name.length);
  bufferStandardOutput();
  // A thread has the name of the one that starts it.
  libc.prctl(PR_SET_NAME, text + Buffer.byteLength(argv0.slice(0, short)));
  const [long, last] = findSymbols(PROCESS, ["program_invocation_name", "program_invocation_short_name"]);
  if (long !== 0) writePointer(long!, text);
  if (last !== 0) writePointer(last!, text + Buffer.byteLength(argv0.slice(0, short)));
}

/** Node makes stdout unbuffered. As glibc would: by lines on a terminal, else in blocks of the file's size up to BUFSIZ. */
function bufferStandardOutput(): void {
  let size = BUFSIZ;
  try {
    size = Math.min(size, fstatSync(1).blksize || size);
  } catch {
    // Closed.
  }
  const [variable] = findSymbols(PROCESS, ["stdout"]);
  const { isatty } = process.getBuiltinModule("node:tty");
  libc.setvbuf(readPointer(variable!), mapPages(size), isatty(1) ? IOLBF : IOFBF, size);
}
