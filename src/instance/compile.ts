import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SlablinkError } from "../errors.ts";
import { FileArena } from "../host/arena.ts";
import { type CompileInMemoryOptions, compileInMemory } from "../inputs/compile-in-memory.ts";
import { withDefaultLibraries } from "../inputs/default-libraries.ts";
import type { InputItem } from "../inputs/input.ts";
import { LibrarySearch } from "../inputs/library-search.ts";
import { loadInputs } from "../inputs/load-inputs.ts";
import { isSource } from "../inputs/sources.ts";
import { COMPILE_OPTIONS, checkOptions } from "./known-options.ts";
import { Module } from "./module.ts";

/** An object, archive or shared library in memory; its name is for messages. */
export interface NamedBytes {
  /** What messages call it. */
  readonly name: string;
  /** All of the file. */
  readonly bytes: Uint8Array | ArrayBuffer;
}

/** A source in memory; the suffix of its name says the language: `{ name: "fib.c", source: "int fib…" }`. */
export interface NamedSource {
  /** What messages call it; its suffix says the language. */
  readonly name: string;
  /** The text. */
  readonly source: string;
}

/**
 * One thing to link: the path of an object, an archive, a shared library or a source, or its `file:` URL (`new URL("fib.c", import.meta.url)`);
 * `-lNAME` and `-l:FILE` as for a linker; bytes; a source's text.
 */
export type ModuleInput = string | URL | Uint8Array | ArrayBuffer | NamedBytes | NamedSource;

/** How inputs are found, and sources compiled ($CC, $CXX, $CFLAGS, $CXXFLAGS of the environment). */
export interface CompileOptions extends CompileInMemoryOptions {
  /** Where `-l` looks before the system's directories. */
  readonly libraryDirectories?: readonly string[];
}

/** Flags that give each function and variable a section: what has changed in one leaves the others where they are (docs/replacement.md). */
export const SECTIONS = ["-ffunction-sections", "-fdata-sections"];

/** Memory of a module's inputs is given back when nobody can ask for it any more. */
const arenas = new FinalizationRegistry<FileArena>((arena) => arena.dispose());

/** Sources are compiled side by side, so many at a time. */
const PARALLEL = 2;

/**
 * Reads inputs, in their order, and compiles those that are sources; nothing is linked and no file is written. Errors: code `file` for
 * what is not there, ObjectFormatError for what is none of these, LinkError with the compiler's words for a source that does not compile, UsageError for an option that there is not.
 */
export async function compile(
  inputs: ModuleInput | readonly ModuleInput[],
  options: CompileOptions = {},
): Promise<Module> {
  checkOptions("compile", options, COMPILE_OPTIONS);
  const list = Array.isArray(inputs) ? (inputs as readonly ModuleInput[]) : [inputs as ModuleInput];
  const arena = new FileArena();
  try {
    const items: InputItem[] = new Array(list.length);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < list.length) {
        const i = next++;
        items[i] = await itemOf(list[i]!, i, arena, options);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    const opener = { open: (path: string) => arena.map(path) };
    const search = new LibrarySearch({
      directories: options.libraryDirectories ?? [],
      environment: options.environment,
    });
    const module = new Module(
      await loadInputs(withDefaultLibraries(items), { search, opener, environment: options.environment }),
    );
    arenas.register(module, arena);
    return module;
  } catch (error) {
    arena.dispose();
    throw error;
  }
}

async function itemOf(
  input: ModuleInput,
  index: number,
  arena: FileArena,
  options: CompileOptions,
): Promise<InputItem> {
  if (typeof input === "string" && input.startsWith("-l") && input.length > 2) {
    return { kind: "library", name: input.slice(2) };
  }
  if (typeof input === "string" || input instanceof URL) {
    const path = typeof input === "string" ? input : fileURLToPath(input);
    if (!isSource(path)) return { kind: "file", path };
    if (!existsSync(path)) throw new SlablinkError("file", `${path}: no such file`);
    return place(path, await compileInMemory({ path }, options));
  }
  if (input instanceof Uint8Array || input instanceof ArrayBuffer) return place(`input ${index + 1}`, input);
  if (typeof input === "object" && input !== null && typeof input.name === "string") {
    if ("bytes" in input) return place(input.name, input.bytes);
    if (typeof input.source === "string") return place(input.name, await compileInMemory(input, options));
  }
  throw new TypeError(`input ${index + 1} is none of: a path, a URL, bytes, { name, bytes }, { name, source }`);

  function place(name: string, bytes: Uint8Array | ArrayBuffer): InputItem {
    const reader = arena.place(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes, name);
    return { kind: "bytes", reader };
  }
}
