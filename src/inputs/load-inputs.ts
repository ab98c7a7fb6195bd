import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ObjectFormatError, SlablinkError } from "../errors.ts";
import { Archive } from "../formats/archive.ts";
import { detectFormat } from "../formats/detect.ts";
import { SharedLibrary } from "../formats/elf/shared-library.ts";
import { parseLinkerScript, type ScriptEntry } from "../formats/linker-script.ts";
import { checkMachine, checkObject, refuse } from "./check-object.ts";
import type { CompileOptions } from "./compile.ts";
import { type FileOpener, readingOpener } from "./file-opener.ts";
import type { Input, InputItem } from "./input.ts";
import { LibrarySearch } from "./library-search.ts";
import { isSource } from "./sources.ts";

/** How files are found, opened and compiled. */
export interface LoadOptions extends CompileOptions {
  /** Where `-l` looks; the system's directories by default. */
  readonly search?: LibrarySearch;
  /** How files are opened; read into memory by default. */
  readonly opener?: FileOpener;
}

/**
 * Turns what a command line names into inputs, in its order: compiles sources, finds libraries, follows linker
 * scripts, detects formats and refuses what cannot be linked. Thin archives open their members when those are asked for.
 * Throws SlablinkErrors that name the file, and for what a linker script asks for, the script.
 */
export async function loadInputs(items: readonly InputItem[], options: LoadOptions = {}): Promise<Input[]> {
  const sources = items.flatMap((item) => (item.kind === "file" && isSource(item.path) ? [item.path] : []));
  for (const source of sources) requireFile(source);
  const objects = sources.length === 0 ? [] : await (await import("./compile.ts")).compileSources(sources, options);
  const loader = new Loader(options);
  let compiled = 0;
  for (const item of items) {
    if (item.kind === "file" && isSource(item.path)) loader.addCompiled(item.path, objects[compiled++]);
    else loader.add(item);
  }
  return loader.inputs;
}

/** How deep linker scripts may name each other; no real one goes beyond two. */
const DEEPEST_SCRIPT = 10;

const EXPECTED = "an object, an archive, a shared library or a linker script";

class Loader {
  readonly inputs: Input[] = [];
  readonly #search: LibrarySearch;
  readonly #opener: FileOpener;
  readonly #readers = new Map<string, ByteReader>();
  readonly #archives = new Map<ByteReader, Archive>();
  readonly #libraries = new Map<ByteReader, SharedLibrary>();
  /** GROUPs of linker scripts count downwards, so that they are none of the command line's. */
  #lastScriptGroup = 0;

  constructor(options: LoadOptions) {
    this.#search = options.search ?? new LibrarySearch({ environment: options.environment });
    this.#opener = options.opener ?? readingOpener;
  }

  add(item: InputItem, scripts: readonly string[] = []): void {
    const path = this.#pathOf(item);
    const reader = item.kind === "bytes" ? item.reader : this.#open(path);
    const format = detectFormat(reader);
    const common = {
      name: path,
      path: item.kind === "bytes" ? undefined : path,
      reader,
      wholeArchive: item.wholeArchive === true,
      asNeeded: item.asNeeded === true,
    };
    switch (format) {
      case "elf-relocatable":
        checkObject(reader, format);
        this.inputs.push({ kind: "object", ...common });
        break;
      case "archive":
      case "thin-archive":
        this.inputs.push({ kind: "archive", ...common, archive: this.#archive(reader), group: item.group ?? 0 });
        break;
      case "elf-shared":
        this.inputs.push({ kind: "shared-library", ...common, library: this.#library(reader) });
        break;
      case "text":
        this.#script(reader, item, [...scripts, path]);
        break;
      default:
        refuse(reader, format, EXPECTED);
    }
  }

  #pathOf(item: InputItem): string {
    if (item.kind === "file") return item.path;
    if (item.kind === "bytes") return item.reader.name;
    return this.#search.find(item.name, { preferStatic: item.static === true });
  }

  addCompiled(source: string, object: Uint8Array): void {
    const reader = ByteReader.of(object, source);
    checkObject(reader);
    this.inputs.push({ kind: "object", name: source, path: undefined, reader, wholeArchive: false, asNeeded: false });
  }

  #open(path: string): ByteReader {
    let reader = this.#readers.get(path);
    if (reader === undefined) {
      reader = this.#opener.open(path);
      this.#readers.set(path, reader);
    }
    return reader;
  }

  #archive(reader: ByteReader): Archive {
    let archive = this.#archives.get(reader);
    if (archive === undefined) {
      archive = Archive.read(reader, (path) => this.#open(path));
      this.#archives.set(reader, archive);
    }
    return archive;
  }

  #library(reader: ByteReader): SharedLibrary {
    let library = this.#libraries.get(reader);
    if (library === undefined) {
      checkMachine(reader);
      library = SharedLibrary.read(reader);
      if (library.isExecutable) reader.fail(`is a position-independent executable (DF_1_PIE), expected ${EXPECTED}`);
      this.#libraries.set(reader, library);
    }
    return library;
  }

  #script(reader: ByteReader, item: InputItem, scripts: readonly string[]): void {
    const path = scripts[scripts.length - 1];
    if (scripts.indexOf(path) !== scripts.length - 1 || scripts.length > DEEPEST_SCRIPT) {
      reader.fail(`linker scripts name each other in a circle or too deeply: ${scripts.join(" → ")}`);
    }
    const groups = new Map<number, number>();
    for (const entry of readScript(reader)) {
      if (entry.kind === "search-dir") {
        this.#search.addDirectory(entry.name);
        continue;
      }
      const wholeArchive = item.wholeArchive === true;
      const asNeeded = entry.asNeeded || item.asNeeded === true;
      if (entry.group > 0 && !groups.has(entry.group)) groups.set(entry.group, --this.#lastScriptGroup);
      const group = item.group ?? groups.get(entry.group);
      const onlyStatic = item.kind === "library" && item.static === true;
      try {
        if (entry.kind === "library") {
          this.add({ kind: "library", name: entry.name, static: onlyStatic, wholeArchive, asNeeded, group }, scripts);
        } else {
          this.add({ kind: "file", path: this.#scriptPath(entry, path), wholeArchive, asNeeded, group }, scripts);
        }
      } catch (error) {
        if (!(error instanceof SlablinkError) || error.code !== "file") throw error;
        throw new SlablinkError("file", `${error.message} (wanted by the linker script ${path})`, { cause: error });
      }
    }
  }

  /** Absolute as it stands; else beside the script, in the working directory, in the library directories. */
  #scriptPath(entry: ScriptEntry, script: string): string {
    if (isAbsolute(entry.name)) return entry.name;
    const beside = join(dirname(script), entry.name);
    if (existsSync(beside)) return beside;
    return existsSync(entry.name) ? entry.name : (this.#search.findFile(entry.name) ?? beside);
  }
}

/** Text beyond this size is no linker script in a library's place. */
const LARGEST_SCRIPT = 1 << 20;

function readScript(reader: ByteReader): ScriptEntry[] {
  if (reader.length > LARGEST_SCRIPT) {
    reader.fail(`is text of ${reader.length} bytes; a linker script has at most ${LARGEST_SCRIPT}`);
  }
  const text = new TextDecoder().decode(reader.bytes(0, reader.length, "linker script"));
  try {
    return parseLinkerScript(text, reader.name);
  } catch (error) {
    if (!(error instanceof ObjectFormatError)) throw error;
    const detail = error.message.slice(reader.name.length + 2);
    throw new ObjectFormatError(reader.name, `is text that is no linker script for a library: ${detail}`);
  }
}

function requireFile(path: string): void {
  if (!existsSync(path)) throw new SlablinkError("file", `${path}: no such file`);
}
