import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { SlablinkError } from "../errors.ts";
import { compareVersions, list, systemLibraryDirectories } from "./system-directories.ts";

/** Where to look. */
export interface LibrarySearchOptions {
  /** The directories of `-L`, in order. */
  readonly directories?: readonly string[];
  /** For LIBRARY_PATH, whose directories follow those of `-L` as with gcc; process.env by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** In place of the system's directories; asked when they are needed. */
  readonly systemDirectories?: () => readonly string[];
}

/** Finds the file that `-lNAME` means, as ld does. */
export class LibrarySearch {
  readonly #own: string[];
  readonly #environment: string[];
  readonly #systemDirectories: () => readonly string[];
  #system: readonly string[] | undefined;

  constructor(options: LibrarySearchOptions = {}) {
    this.#own = (options.directories ?? []).map(withoutSysroot);
    const path = (options.environment ?? process.env).LIBRARY_PATH ?? "";
    this.#environment = path === "" ? [] : path.split(":").map((directory) => directory || ".");
    this.#systemDirectories = options.systemDirectories ?? systemLibraryDirectories;
  }

  /** All directories in the order in which they are searched: `-L`, LIBRARY_PATH, the system's. */
  get directories(): string[] {
    this.#system ??= this.#systemDirectories();
    return [...this.#own, ...this.#environment, ...this.#system];
  }

  /** Adds a directory behind those of `-L`, as SEARCH_DIR in a linker script does. */
  addDirectory(directory: string): void {
    if (!this.#own.includes(directory)) this.#own.push(directory);
  }

  /**
   * The path of library `name`: in each directory `libNAME.so`, then `libNAME.a`; only the latter with `preferStatic`
   * (ld's -Bstatic). `:FILE` means exactly that file name. Files for other machines are passed over. If nothing is
   * found, a library that is installed without its development link serves too: the newest `libNAME.so.N`.
   * Throws a SlablinkError of code "file" that lists the directories.
   */
  find(name: string, options: { readonly preferStatic?: boolean } = {}): string {
    const exact = name.startsWith(":");
    const archive = `lib${name}.a`;
    const names = exact ? [name.slice(1)] : options.preferStatic ? [archive] : [`lib${name}.so`, archive];
    const unfit: string[] = [];
    const { directories } = this;
    for (const directory of directories) {
      for (const file of names) {
        const path = join(directory, file);
        if (isFile(path) && isUsable(path, unfit)) return path;
      }
    }
    const versioned = exact || options.preferStatic ? undefined : newestVersion(directories, `lib${name}.so.`, unfit);
    if (versioned !== undefined) return versioned;
    const wanted = names.join(" or ");
    const others = unfit.length === 0 ? "" : `; not for x86-64: ${unfit.join(", ")}`;
    const searched = directories.length === 0 ? "no directory" : directories.join(", ");
    throw new SlablinkError("file", `-l${name}: there is no ${wanted} in ${searched}${others}`);
  }

  /** The first directory's file of that name, for linker scripts' relative paths; undefined if there is none. */
  findFile(file: string): string | undefined {
    return this.directories.map((directory) => join(directory, file)).find(isFile);
  }
}

function newestVersion(directories: readonly string[], prefix: string, unfit: string[]): string | undefined {
  for (const directory of directories) {
    const versions = list(directory)
      .filter((file) => file.startsWith(prefix) && /^\d+(\.\d+)*$/.test(file.slice(prefix.length)))
      .sort((a, b) => compareVersions(b.slice(prefix.length), a.slice(prefix.length)));
    const path = versions.map((file) => join(directory, file)).find((found) => isFile(found) && isUsable(found, unfit));
    if (path !== undefined) return path;
  }
  return undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** False for an ELF file of another class or machine: `lib` beside `lib64` holds 32-bit libraries. */
function isUsable(path: string, unfit: string[]): boolean {
  const head = Buffer.alloc(20);
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      length = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return true; // Who opens it will say why it cannot be read.
  }
  if (length < head.length || head.readUInt32BE(0) !== 0x7f454c46) return true;
  const fits = head[4] === 2 && head[5] === 1 && head.readUInt16LE(18) === 62; // ELFCLASS64, ELFDATA2LSB, EM_X86_64
  if (!fits) unfit.push(path);
  return fits;
}

function withoutSysroot(directory: string): string {
  return directory.replace(/^(=|\$SYSROOT)(?=.)/, "");
}
