import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A change is told of when nothing has happened for so long, in milliseconds: editors and compilers write more than once. */
const QUIET = 20;

/**
 * Files that are watched by their directories: editors write another file and give it the old one's name, after which the file itself would
 * be the wrong thing to watch.
 */
export class WatchedFiles {
  readonly #onChange: (paths: readonly string[]) => void;
  /** By directory: its watcher. */
  readonly #directories = new Map<string, FSWatcher>();
  /** What each file was like when it was last looked at. */
  readonly #states = new Map<string, string>();
  readonly #touched = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** `onChange` is given absolute paths of files that have other contents than before, as far as their times and sizes tell. */
  constructor(onChange: (paths: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  /** Watches more files, by their absolute paths; those that are watched already stay so. */
  watch(paths: Iterable<string>): void {
    for (const path of paths) {
      if (this.#states.has(path)) continue;
      this.#states.set(path, stateOf(path));
      const directory = dirname(path);
      if (this.#directories.has(directory)) continue;
      try {
        const watcher = watch(directory, (_, name) => this.#touch(directory, name));
        // A directory that is removed is not watched any more; its files are missed when they are next read.
        watcher.on("error", () => watcher.close());
        this.#directories.set(directory, watcher);
      } catch {
        // There is no such directory, which whoever reads the file is told.
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#directories.values()) watcher.close();
    this.#directories.clear();
  }

  #touch(directory: string, name: string | null): void {
    // Without a name it may have been any.
    for (const path of this.#states.keys()) {
      if (dirname(path) === directory && (name === null || basename(path) === name)) this.#touched.add(path);
    }
    if (name !== null && !this.#touched.has(join(directory, name))) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), QUIET);
  }

  #look(): void {
    const changed: string[] = [];
    for (const path of this.#touched) {
      const state = stateOf(path);
      // What is gone is about to come back, or nothing can be done with it.
      if (state === "" || state === this.#states.get(path)) continue;
      this.#states.set(path, state);
      changed.push(path);
    }
    this.#touched.clear();
    if (changed.length > 0) this.#onChange(changed);
  }
}

/** Time, size and number of a file; empty without one. */
function stateOf(path: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch {
    return "";
  }
}
