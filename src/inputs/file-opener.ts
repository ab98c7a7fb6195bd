import { readFileSync } from "node:fs";
import { ByteReader } from "../bytes/byte-reader.ts";
import { fileError } from "../host/system-error.ts";

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
