import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Archive } from "../formats/archive.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";

/** What every input of a link has. */
interface InputBase {
  /** What errors call it: the path as given or found; for a source, the source's. */
  readonly name: string;
  /** The file it was read from; undefined for what is only in memory. */
  readonly path: string | undefined;
  /** Its bytes. */
  /** Its bytes. */
  readonly reader: ByteReader;
  /** Archives: every member is linked, wanted or not (`--whole-archive`). */
  readonly wholeArchive: boolean;
  /** Shared libraries: counts only if something is resolved from it (AS_NEEDED, `--as-needed`). */
  readonly asNeeded: boolean;
}

/** A relocatable object, always linked. */
export interface ObjectInput extends InputBase {
  /** Tells it from other inputs. */
  readonly kind: "object";
}

/** An archive, of which the members that are wanted are linked. */
export interface ArchiveInput extends InputBase {
  /** Tells it from other inputs. */
  readonly kind: "archive";
  /** One object per file, also when the file is named twice. */
  readonly archive: Archive;
  /** Archives of one group (a number other than 0) that follow each other are searched in circles; 0 outside of any. */
  readonly group: number;
}

/** A shared library, which the executor loads. */
export interface SharedLibraryInput extends InputBase {
  /** Tells it from other inputs. */
  readonly kind: "shared-library";
  /** One object per file, also when the file is named twice. */
  readonly library: SharedLibrary;
}

/** One thing to link, in the order of the command line; the kind has been checked, the contents mostly not yet. */
export type Input = ObjectInput | ArchiveInput | SharedLibraryInput;

/** An input as the command line has it, or one that is in memory already. */
export type InputItem =
  | {
      /** It is in memory. */
      readonly kind: "bytes";
      /** Named as messages are to name it; compiled, if it comes from a source. */
      readonly reader: ByteReader;
      /** Of an archive, every member (`--whole-archive`). */
      readonly wholeArchive?: boolean;
      /** A shared library counts only if something is resolved from it (`--as-needed`). */
      readonly asNeeded?: boolean;
      /** Number of the `--start-group` it is in, from 1 on. */
      readonly group?: number;
    }
  | {
      /** It is a file. */
      readonly kind: "file";
      /** As people know it. */
      readonly path: string;
      /** Of an archive, every member (`--whole-archive`). */
      readonly wholeArchive?: boolean;
      /** A shared library counts only if something is resolved from it (`--as-needed`). */
      readonly asNeeded?: boolean;
      /** Number of the `--start-group` it is in, from 1 on. */
      readonly group?: number;
    }
  | {
      /** It is looked for, as `-l` does. */
      readonly kind: "library";
      /** What follows `-l`; `:FILE` for an exact file name. */
      readonly name: string;
      /** Only archives will do (`-Bstatic`). */
      readonly static?: boolean;
      /** Of an archive, every member (`--whole-archive`). */
      readonly wholeArchive?: boolean;
      /** A shared library counts only if something is resolved from it (`--as-needed`). */
      readonly asNeeded?: boolean;
      /** Number of the `--start-group` it is in, from 1 on. */
      readonly group?: number;
    };
