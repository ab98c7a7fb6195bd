import { resolve } from "node:path";
import { ByteReader } from "../src/bytes/byte-reader.ts";
import { SlablinkError } from "../src/errors.ts";
import { checkObject } from "../src/inputs/check-object.ts";
import { compileSources } from "../src/inputs/compile.ts";
import { readingOpener } from "../src/inputs/file-opener.ts";
import { isSource } from "../src/inputs/sources.ts";
import type { ProgramEnd } from "../src/native/program.ts";
import type { ReplaceableObjects, Replacement } from "../src/orc/replace/replaceable-objects.ts";
import { runProgram } from "../src/orc/run-program.ts";
import type { RunRequest } from "../src/orc/run-request.ts";
import { sayHowItEnded } from "./run.ts";
import { passSignalsOn, statusOfSignal } from "./signals.ts";
import { writeError } from "./terminal.ts";
import { WatchedFiles } from "./watched-files.ts";

/** Each function and each variable in a section of its own: what is replaced can then be told apart. */
const FLAGS = ["-ffunction-sections", "-fdata-sections"];

/** What ends the command, not only the program. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * `slablink run --watch`: runs the program, and has changed objects and sources take the place of those that are linked. When the program
 * has ended, it waits for a change and runs it again. Resolves to the status of the last run when a signal has ended the command.
 */
export async function runWatched(options: RunRequest): Promise<number> {
  const paths = options.items.flatMap((item) => (item.kind === "file" ? [item.path] : []));
  const program = new WatchedProgram(options, paths);
  try {
    return await program.runUntilSignal();
  } finally {
    program.close();
  }
}

class WatchedProgram {
  readonly #options: RunRequest;
  readonly #paths: readonly string[];
  /** By the absolute path of a file: the inputs that are made of it. */
  readonly #inputsOf = new Map<string, Set<string>>();
  readonly #files: WatchedFiles;
  #objects: ReplaceableObjects | undefined;
  #kill: ((signal: NodeJS.Signals, group?: boolean) => void) | undefined;
  #ending: NodeJS.Signals | undefined;
  /** Goes on with what waits for a change or a signal. */
  #wake: (() => void) | undefined;
  #replacing: Promise<void> = Promise.resolve();
  /** Files that have changed while nothing could be replaced. */
  #missed: string[] = [];

  constructor(options: RunRequest, paths: readonly string[]) {
    this.#options = options;
    this.#paths = paths;
    for (const path of paths) this.#note(path, [path]);
    this.#files = new WatchedFiles((changed) => this.#change(changed));
    this.#files.watch(this.#inputsOf.keys());
  }

  async runUntilSignal(): Promise<number> {
    passSignalsOn((signal, group) => this.#kill?.(signal, group));
    for (const signal of ENDING) {
      process.on(signal, () => {
        this.#ending = signal;
        this.#wake?.();
      });
    }
    for (;;) {
      const status = await this.#runOnce();
      if (this.#ending !== undefined) return status ?? statusOfSignal(this.#ending);
      writeError(
        `slablink: ${status === undefined ? "nothing runs" : "the program has ended"}: waiting for a change\n`,
      );
      await new Promise<void>((wake) => {
        this.#wake = wake;
        if (this.#ending !== undefined || this.#missed.length > 0) wake();
      });
      this.#wake = undefined;
      if (this.#ending !== undefined) return statusOfSignal(this.#ending);
    }
  }

  close(): void {
    this.#files.close();
  }

  /** The program's status; undefined when it could not be linked. */
  async #runOnce(): Promise<number | undefined> {
    let end: ProgramEnd;
    this.#missed = [];
    try {
      end = await runProgram({
        ...this.#options,
        compile: { flags: FLAGS, onDependencies: (source, files) => this.#note(source, files) },
        onWarning: (text) => writeError(`slablink: warning: ${text}\n`),
        onExecutor: (kill) => {
          this.#kill = kill;
        },
        onReplaceable: (objects) => {
          this.#objects = objects;
          this.#files.watch(this.#inputsOf.keys());
          if (this.#missed.length > 0) this.#change(this.#missed.splice(0));
        },
      });
    } catch (error) {
      sayError(error);
      return undefined;
    } finally {
      this.#objects = undefined;
      this.#kill = undefined;
      await this.#replacing;
      this.#files.watch(this.#inputsOf.keys());
    }
    if (end.signal === undefined) return end.status ?? 1;
    await sayHowItEnded(end);
    return statusOfSignal(end.signal);
  }

  #note(input: string, files: readonly string[]): void {
    for (const file of files) {
      const path = resolve(file);
      const inputs = this.#inputsOf.get(path);
      if (inputs === undefined) this.#inputsOf.set(path, new Set([input]));
      else inputs.add(input);
    }
  }

  #change(files: readonly string[]): void {
    const objects = this.#objects;
    if (objects === undefined) {
      this.#missed.push(...files);
      this.#wake?.();
      return;
    }
    const changed = new Set(files.flatMap((file) => [...(this.#inputsOf.get(file) ?? [])]));
    this.#replacing = this.#replacing.then(async () => {
      for (const input of this.#paths) if (changed.has(input)) await this.#replace(input, objects);
      this.#files.watch(this.#inputsOf.keys());
    });
  }

  async #replace(input: string, objects: ReplaceableObjects): Promise<void> {
    if (!objects.names.includes(input)) {
      writeError(`slablink: ${input} has changed: it is linked anew when the program runs again\n`);
      return;
    }
    try {
      const reader = await this.#read(input);
      const replacement = await objects.replace(reader);
      for (const warning of replacement.warnings) writeError(`slablink: warning: ${warning}\n`);
      writeError(`slablink: ${textOf(replacement)}\n`);
    } catch (error) {
      // The executor ends while something is replaced: that is told of elsewhere.
      if (this.#objects !== objects) return;
      sayError(error);
      writeError(`slablink: ${input} is not replaced: the program goes on as it is\n`);
    }
  }

  async #read(input: string): Promise<ByteReader> {
    if (!isSource(input)) {
      const reader = readingOpener.open(input);
      checkObject(reader);
      return reader;
    }
    const onDependencies = (source: string, files: readonly string[]): void => this.#note(source, files);
    const [object] = await compileSources([input], { flags: FLAGS, onDependencies });
    return ByteReader.of(object!, input);
  }
}

function textOf({ object, replaced, added, gone, milliseconds }: Replacement): string {
  const count = (names: readonly string[], what: string): string[] =>
    names.length === 0 ? [] : [`${names.length} ${names.length === 1 ? "function" : "functions"} ${what}`];
  const parts = [...count(replaced, "replaced"), ...count(added, "added"), ...count(gone, "gone")];
  return `${object}: ${parts.join(", ") || "nothing to replace"} in ${milliseconds.toFixed(1)} ms`;
}

function sayError(error: unknown): void {
  if (error instanceof AggregateError) for (const each of error.errors) sayError(each);
  else if (error instanceof SlablinkError) writeError(`slablink: error: ${error.message}\n`);
  else throw error;
}
