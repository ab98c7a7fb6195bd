import { spawnSync } from "node:child_process";
import type { Requirement } from "./requirements.ts";

/** A shared library: NAME of `-lNAME` (`:FILE` for exactly that file), and the file that a program loads at run time. */
export interface Library {
  readonly name: string;
  readonly soname: string;
}

/** A program to be linked and run, as every contestant gets it. */
export interface Program {
  /** Objects and archives, in the order of the command line. */
  readonly inputs: readonly string[];
  /** Archives behind them of which all members are linked. */
  readonly wholeArchives?: readonly string[];
  readonly libraries: readonly Library[];
  readonly arguments: readonly string[];
  readonly stdout: string;
  /** Not position-independent: an ordinary link makes an executable for fixed addresses of it. */
  readonly fixedAddress?: boolean;
  /** The program is only linked, as it would do nothing sensible. */
  readonly linkOnly?: boolean;
  /** In place of the case's own, when it was made in another size than usual. */
  readonly description?: string;
}

/** What the command line says about the inputs that are to be made. */
export interface CaseOptions {
  /** Objects of the case tiny-objects, at least 3. */
  readonly objects: number;
}

/** One benchmark. */
export interface Case {
  readonly name: string;
  /** One line for the report. */
  readonly description: string;
  readonly requirements: readonly Requirement[];
  /** Makes the inputs in a directory of its own; not measured. */
  prepare(directory: string, options?: CaseOptions): Program;
}

/** Every case needs a C compiler. */
export const COMPILER: Requirement = { file: "cc", package: "gcc" };

/** Compiles a source to an object. Position-independent code, which every contestant can place where it likes. */
export function compile(source: string, object: string, options: readonly string[] = ["-fPIC"]): void {
  const compiler = source.endsWith(".cc") ? "c++" : "cc";
  const result = spawnSync(compiler, ["-O2", ...options, "-c", source, "-o", object], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${compiler} ${source}: ${result.error?.message ?? result.stderr}`);
}

/** Path of a source in bench/programs; the compiled benchmark lies in dist/bench. */
export function source(name: string): string {
  return new URL(`../../bench/programs/${name}`, import.meta.url).pathname;
}
