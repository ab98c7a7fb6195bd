import { spawnSync } from "node:child_process";
import type { Requirement } from "./requirements.ts";

/** A program to be linked and run, as every contestant gets it. */
export interface Program {
  /** Objects and archives, in the order of the command line. */
  readonly inputs: readonly string[];
  /** Shared libraries: NAME of `-lNAME`, and the file that a program loads at run time. */
  readonly libraries: readonly { readonly name: string; readonly soname: string }[];
  readonly arguments: readonly string[];
  readonly stdout: string;
}

/** One benchmark. */
export interface Case {
  readonly name: string;
  /** One line for the report. */
  readonly description: string;
  readonly requirements: readonly Requirement[];
  /** Makes the inputs in a directory of its own; not measured. */
  prepare(directory: string): Program;
}

/** Every case needs a C compiler. */
export const COMPILER: Requirement = { file: "cc", package: "gcc" };

/** Compiles a C source to an object. Position-independent code, which every contestant can place where it likes. */
export function compile(source: string, object: string): void {
  const result = spawnSync("cc", ["-O2", "-fPIC", "-c", source, "-o", object], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`cc ${source}: ${result.error?.message ?? result.stderr}`);
}

/** Path of a source in bench/programs; the compiled benchmark lies in dist/bench. */
export function source(name: string): string {
  return new URL(`../../bench/programs/${name}`, import.meta.url).pathname;
}
