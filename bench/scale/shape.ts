import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { R_X86_64_64 } from "../../src/arch/x86_64.ts";
import { compile, source } from "../case.ts";
import type { Requirement } from "../requirements.ts";
import { Flags, ObjectWriter } from "./object-writer.ts";

/** What is linked, as words of a linker's command line; it prints "ok" when everything is where it belongs. */
export interface ScaleProgram {
  readonly inputs: readonly string[];
  /** The link must fail, and say this. */
  readonly failure?: RegExp;
  /** How many of the shape's units it has, where that is not the size that was asked for. */
  readonly units?: number;
  /** GNU-compatible linkers are not asked to link it, and why. */
  readonly onlyHere?: string;
}

/** Inputs of one kind that can be made in any size. */
export interface Shape {
  readonly name: string;
  /** What there are `n` of. */
  readonly unit: string;
  readonly description: string;
  /** The sizes of the curve, ascending. */
  readonly sizes: readonly number[];
  /** The sizes are names of things that exist, and cannot be divided. */
  readonly isFixed?: boolean;
  /** A size for tests of correctness. */
  readonly small: number;
  readonly requirements?: readonly Requirement[];
  /** Writes the inputs into an empty directory. */
  make(directory: string, n: number): ScaleProgram;
}

/** The sizes from `first` on, each twice the one before. */
export function doubling(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first * 2 ** i);
}

/** Writes a file of the shape and gives its path. */
export function put(directory: string, name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** Compiles one of the programs in bench/programs that check what was linked, and gives the path of the object. */
export function program(directory: string, name: "scale-values" | "scale-calls" | "scale-main"): string {
  const object = join(directory, `${name}.o`);
  compile(source(`${name}.c`), object);
  return object;
}

/** `mov $value, %eax; ret` in 8 bytes. */
export function functionReturning(value: number): Uint8Array {
  const code = new Uint8Array([0xb8, 0, 0, 0, 0, 0xc3, 0x90, 0x90]);
  new DataView(code.buffer).setInt32(1, value, true);
  return code;
}

/** The functions that return 0, 1, …, n - 1, 8 bytes each. */
export function functionsReturning(n: number): Uint8Array {
  const code = new Uint8Array(8 * n);
  for (let i = 0; i < n; i++) code.set(functionReturning(i), 8 * i);
  return code;
}

/** The ints 0, 1, …, n - 1. */
export function ints(n: number): Uint8Array {
  return new Uint8Array(Int32Array.from({ length: n }, (_, i) => i).buffer);
}

/** The pointers that `scale-values` and `scale-calls` go through: to the symbols of these names, defined or not in `object`. */
export function addTable(object: ObjectWriter, symbols: readonly number[]): void {
  const table = object.section(".data.table", new Uint8Array(8 * symbols.length), { flags: Flags.data, alignment: 8 });
  symbols.forEach((symbol, i) => {
    object.relocate(table, 8 * i, R_X86_64_64, symbol);
  });
  object.symbol("table", { section: table });
  const size = object.section(".data.size", words([symbols.length]), { flags: Flags.data, alignment: 8 });
  object.symbol("table_size", { section: size });
}

/** An object with nothing but the table of these names. */
export function tableOf(names: readonly string[]): Uint8Array {
  const object = new ObjectWriter();
  addTable(
    object,
    names.map((name) => object.symbol(name)),
  );
  return object.bytes();
}

/** 64-bit words. */
export function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

/** `stem` with a number of always `digits` digits behind it. */
export function numbered(stem: string, i: number, digits = 7): string {
  return `${stem}${`${i}`.padStart(digits, "0")}`;
}

/** 0, 1, …, n - 1 put through `each`. */
export function times<T>(n: number, each: (i: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => each(i));
}

/** The one section of a shared library, with a symbol every `stride` bytes; flags and symbol type as in ELF. */
export interface LibraryContents {
  readonly bytes: Uint8Array;
  readonly stride: number;
  readonly flags: number;
  readonly type: number;
}

/** Makes a shared library that exports the names; `options` are the compiler driver's. */
export function sharedLibrary(
  directory: string,
  stem: string,
  names: readonly string[],
  { bytes, stride, flags, type }: LibraryContents,
  options: readonly string[] = [],
): string {
  const object = new ObjectWriter();
  const section = object.section(flags === Flags.code ? ".text" : ".data", bytes, { flags, alignment: 16 });
  names.forEach((name, i) => {
    object.symbol(name, { section, value: stride * i, size: stride, type });
  });
  const file = put(directory, `${stem}.o`, object.bytes());
  const library = join(directory, `lib${stem}.so`);
  const words = ["-shared", "-nostdlib", `-Wl,-soname,${library}`, ...options, file, "-o", library];
  const result = spawnSync("cc", words, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`cc -shared: ${result.error?.message ?? result.stderr}`);
  return library;
}
