import { closeSync, openSync, readSync } from "node:fs";

/** The note of slablink's executor (executor/note.c): name size, description size, type, name. */
const NOTE = "\x09\0\0\0\0\0\0\0\x01\0\0\0slablink\0";
/** Program headers and notes are in a file's first page. */
const FIRST_PAGE = 4096;

/**
 * Whether the program file takes the arguments of slablink's executor: one of slablink's does, and so may a script, which is taken for one that
 * passes them on, unless it speaks of LLVM's. What cannot be read is for who starts it to say.
 */
export function takesOurArguments(path: string): boolean {
  let start: string;
  try {
    start = readStart(path);
  } catch {
    return true;
  }
  return start.startsWith("\x7fELF") ? start.includes(NOTE) : !start.includes("llvm");
}

function readStart(path: string): string {
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(FIRST_PAGE);
    return bytes.toString("latin1", 0, readSync(fd, bytes, 0, FIRST_PAGE, 0));
  } finally {
    closeSync(fd);
  }
}
