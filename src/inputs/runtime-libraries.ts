import { existsSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { Archive } from "../formats/archive.ts";
import { SharedLibrary } from "../formats/elf/shared-library.ts";
import { type FileOpener, readingOpener } from "./file-opener.ts";
import { systemLibraryDirectories } from "./system-directories.ts";

/** What every program may use without naming it, in the order in which g++ and the loader would find it. */
const implicitNames = ["libgcc_s.so.1", "libm.so.6", "libstdc++.so.6"];
/** The C library's soname. */
export const C_LIBRARY = "libc.so.6";
/** The C library proper with its loader: what is in every process before anything else. */
const cNames: readonly string[] = [C_LIBRARY, "ld-linux-x86-64.so.2"];
const processNames = [...cNames, ...implicitNames];

/** True of the C library and its loader. */
export function isOfCLibrary(soname: string | undefined): boolean {
  return soname !== undefined && cNames.includes(soname);
}

/** True of the libraries that every process of C++ has, Node's among them. */
export function isOfEveryProcess(soname: string | undefined): boolean {
  return soname !== undefined && processNames.includes(soname);
}

/** A library as the dynamic loader would find it at run time. */
export interface RuntimeLibrary {
  /** Such as `libstdc++.so.6`. */
  readonly soname: string;
  /** The library, read. */
  readonly library: SharedLibrary;
}

/** Finds shared libraries by soname, as the executor's loader will: LD_LIBRARY_PATH, then the system's directories. */
export class RuntimeLibraries {
  readonly #opener: FileOpener;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #known = new Map<string, SharedLibrary | undefined>();
  /** Opened once for all programs of a session. */
  readonly #archives = new Map<string, Archive>();
  #directories: string[] | undefined;
  #system: readonly string[] | undefined;

  constructor(options: { opener?: FileOpener; environment?: NodeJS.ProcessEnv } = {}) {
    this.#opener = options.opener ?? readingOpener;
    this.#environment = options.environment ?? process.env;
  }

  /** The library of that soname, or undefined when the system has none. */
  find(soname: string): SharedLibrary | undefined {
    if (!this.#known.has(soname)) {
      const path = this.path(soname);
      this.#known.set(soname, path === undefined ? undefined : SharedLibrary.read(this.#opener.open(path)));
    }
    return this.#known.get(soname);
  }

  /** The directories where the system has its libraries. */
  get systemDirectories(): readonly string[] {
    this.#system ??= systemLibraryDirectories();
    return this.#system;
  }

  /** Where the loader finds that soname. */
  path(soname: string): string | undefined {
    this.#directories ??= [
      ...(this.#environment.LD_LIBRARY_PATH ?? "").split(/[:;]/).filter((directory) => directory !== ""),
      ...this.systemDirectories,
    ];
    for (const directory of this.#directories) {
      const path = `${directory}/${soname}`;
      if (existsSync(path)) return path;
    }
    return undefined;
  }

  /** libgcc_s, libm and libstdc++: opened for a program that needs them without saying so. */
  *implicit(): Generator<RuntimeLibrary, void, undefined> {
    for (const soname of implicitNames) {
      const library = this.find(soname);
      if (library !== undefined) yield { soname, library };
    }
  }

  /**
   * What an ordinary link takes from archives without being told: the compiler's support routines (libgcc.a) and the part of
   * the C library that is always linked statically (atexit and its like, libc_nonshared.a).
   */
  *implicitArchives(): Generator<Archive, void, undefined> {
    for (const name of ["libgcc.a", "libc_nonshared.a"]) {
      let archive = this.#archives.get(name);
      if (archive === undefined) {
        const path = this.path(name);
        if (path === undefined) continue;
        archive = Archive.read(this.#opener.open(path), (member) => this.#opener.open(member));
        this.#archives.set(name, archive);
      }
      yield archive;
    }
  }

  /** The libraries that the process has anyway, for questions about their symbols. */
  *ofProcess(): Generator<RuntimeLibrary, void, undefined> {
    for (const soname of processNames) {
      const library = this.find(soname);
      if (library !== undefined) yield { soname, library };
    }
  }

  /**
   * What to ask the loader for: the soname when it finds the library by it, as an ordinary program would; else the path,
   * for libraries in `-L` directories that the loader does not know.
   */
  loadName(library: SharedLibrary): string {
    const soname = library.soname ?? basename(library.file);
    return this.path(soname) === undefined ? realpathSync(library.file) : soname;
  }
}
