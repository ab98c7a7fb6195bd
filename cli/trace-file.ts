import { constants, fstatSync, ftruncateSync, openSync, readFileSync, type Stats, statSync, writeSync } from "node:fs";
import { SlablinkError } from "../src/errors.ts";
import { fileError } from "../src/host/system-error.ts";
import { type EarlierTrace, TRACE_START } from "../src/trace/trace-text.ts";

/**
 * The file of `--trace`. It is opened at the start, before anything else can happen, and stays open: the program may change the
 * directory. A regular file is written over and over as a whole, so that it is complete whenever this process may end.
 */
export class TraceFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #status: Stats;
  #size = 0;
  #isWritten = false;

  /** Errors: code "file", when it cannot be written or holds something that is no trace. */
  constructor(path: string) {
    this.#path = path;
    try {
      const isRegular = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
      const flags = isRegular ? constants.O_RDWR | constants.O_CREAT : constants.O_WRONLY;
      this.#descriptor = openSync(path, flags, 0o666);
      this.#status = fstatSync(this.#descriptor);
    } catch (cause) {
      const error = fileError(path, cause);
      throw new SlablinkError("file", `${error.message}; the trace cannot be written there`, { cause });
    }
  }

  /** What the file holds before anything is written. Errors: code "file" unless that is nothing or a trace. */
  read(): EarlierTrace | undefined {
    if (!this.#status.isFile() || this.#status.size === 0) return undefined;
    const text = readFileSync(this.#descriptor, "utf8");
    this.#size = this.#status.size;
    // `--trace a.o b.o`, say.
    if (!text.startsWith(TRACE_START)) {
      throw new SlablinkError(
        "file",
        `${this.#path}: holds something that is no trace and is not overwritten with one`,
      );
    }
    try {
      return JSON.parse(text) as EarlierTrace;
    } catch {
      return undefined; // of a machine that went down, or whose disk was full
    }
  }

  /** Writes the whole text; what is no regular file can have it only once, when `isLast`. Errors: code "file". */
  write(text: string, isLast: boolean): void {
    const isRegular = this.#status.isFile();
    if (!isRegular && (!isLast || this.#isWritten)) return;
    this.#isWritten = true;
    try {
      this.#check();
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.#descriptor, bytes, at, bytes.length - at, isRegular ? at : null);
      }
      if (isRegular && this.#size > bytes.length) ftruncateSync(this.#descriptor, bytes.length);
      this.#size = bytes.length;
    } catch (cause) {
      const { message } = cause as Error;
      throw new SlablinkError("file", `${this.#path}: the trace could not be written: ${message}`, { cause });
    }
  }

  /** A program in this process may have closed the descriptor, and opened something of its own by that number. */
  #check(): void {
    const { ino, dev } = fstatSync(this.#descriptor);
    if (ino !== this.#status.ino || dev !== this.#status.dev) throw new Error("the program has closed its descriptor");
  }
}
