import { readFileSync } from "node:fs";
import { ByteReader } from "../bytes/byte-reader.ts";
import { SlablinkError } from "../errors.ts";

/** How input files become bytes; the host may map them instead of reading them. */
export interface FileOpener {
  /** The whole file, named by its path. Throws a SlablinkError of code "file" that names it. */
  open(path: string): ByteReader;
}

/** Reads files into memory. */
export const readingOpener: FileOpener = {
  open(path) {
    try {
      return ByteReader.of(readFileSync(path), path);
    } catch (error) {
      throw fileError(path, error);
    }
  },
};

/** What the operating system said about a file, as an error that names it. */
export function fileError(path: string, cause: unknown): SlablinkError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const text = FILE_ERRORS.get(code ?? "") ?? `cannot be read (${message})`;
  return new SlablinkError("file", `${path}: ${text}`, { cause });
}

const FILE_ERRORS = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "no such file (a part of its path is no directory)"],
  ["EISDIR", "is a directory, expected a file"],
  ["EACCES", "permission denied"],
  ["ELOOP", "too many levels of symbolic links"],
  ["EMFILE", "cannot be opened: this process has too many open files"],
  ["ERR_FS_FILE_TOO_LARGE", "is too large to be read into memory (2 GiB or more)"],
]);
