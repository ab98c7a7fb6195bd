import { existsSync, unlinkSync, writeSync } from "node:fs";
import { SlablinkError } from "../errors.ts";
import { fileDirectories, makeMappableFile } from "./mappable-file.ts";
import { createMemfd } from "./memfd.ts";
import { closeNative } from "./native-descriptor.ts";

/** A file that this process's loader can open. It knows files by path, so the descriptor is to stay open as long as one is loaded. */
export interface LoadableFile {
  readonly fd: number;
  readonly path: string;
  /** To be called when it has been loaded: nothing of it is seen in any directory then. */
  hide(): void;
}

/** /proc shows open files, as has been seen once. */
let isShown = false;

/** Puts bytes where the loader can read them: into a memory file, or where /proc does not show that, into a directory. Errors: code "memory". */
export function createLoadableFile(name: string, bytes: Uint8Array): LoadableFile {
  isShown ||= existsSync("/proc/self/fd");
  const file = isShown ? inMemory(name, bytes.length) : inDirectory(name, bytes.length);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file.fd, bytes, done, bytes.length - done, done);
    return file;
  } catch (cause) {
    file.hide();
    closeNative(file.fd);
    throw new SlablinkError("memory", `cannot write memory file "${name}": ${(cause as Error).message}`, { cause });
  }
}

function inMemory(name: string, size: number): LoadableFile {
  const fd = createMemfd(name, size);
  return { fd, path: `/proc/self/fd/${fd}`, hide: () => {} };
}

function inDirectory(name: string, size: number): LoadableFile {
  const { fd, path } = makeMappableFile(size, true) ?? {};
  if (fd === undefined || path === undefined) {
    const directories = fileDirectories().join(", ");
    const what = `/proc is not there, and none of ${directories} takes "${name}" as a file from which code may be executed: mount /proc`;
    throw new SlablinkError("memory", what);
  }
  return { fd, path, hide: () => unlinkSync(path) };
}
