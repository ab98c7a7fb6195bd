import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Archive } from "../formats/archive.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";

/** What every input of a link has. */
interface InputBase {
  /** What errors call it: the path as given or found; for a source, the source's. */
  readonly name: string;
  /** The file it was read from; undefined for what is only in memory. */
  readonly path: string | undefined;
  readonly reader: ByteReader;
  /** Archives: every member is linked, wanted or not (`--whole-archive`). */
  readonly wholeArchive: boolean;
  /** Shared libraries: counts only if something is resolved from it (AS_NEEDED, `--as-needed`). */
  readonly asNeeded: boolean;
}

/** A relocatable object, always linked. */
export interface ObjectInput extends InputBase {
  readonly kind: "object";
}

/** An archive, of which the members that are wanted are linked. */
export interface ArchiveInput extends InputBase {
  readonly kind: "archive";
  /** One object per file, also when the file is named twice. */
  readonly archive: Archive;
  /** Archives of one group (a number other than 0) that follow each other are searched in circles; 0 outside of any. */
  readonly group: number;
}

/** A shared library, which the executor loads. */
export interface SharedLibraryInput extends InputBase {
  readonly kind: "shared-library";
  /** One object per file, also when the file is named twice. */
  readonly library: SharedLibrary;
}

/** One thing to link, in the order of the command line; the kind has been checked, the contents mostly not yet. */
export type Input = ObjectInput | ArchiveInput | SharedLibraryInput;

/** An input as the command line has it, or one that is in memory already. */
export type InputItem =
  | {
      readonly kind: "bytes";
      /** Named as messages are to name it; compiled, if it comes from a source. */
      readonly reader: ByteReader;
      readonly wholeArchive?: boolean;
      readonly asNeeded?: boolean;
      readonly group?: number;
    }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly wholeArchive?: boolean;
      readonly asNeeded?: boolean;
      /** Number of the `--start-group` it is in, from 1 on. */
      readonly group?: number;
    }
  | {
      readonly kind: "library";
      /** What follows `-l`; `:FILE` for an exact file name. */
      readonly name: string;
      /** Only archives will do (`-Bstatic`). */
      readonly static?: boolean;
      readonly wholeArchive?: boolean;
      readonly asNeeded?: boolean;
      readonly group?: number;
    };
