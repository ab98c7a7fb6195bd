import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { LinkError } from "../src/errors.ts";
import type { FileInput, InputItem } from "../src/orc/run-request.ts";

type Language = "C" | "C++" | "assembler";

const languages: Readonly<Record<string, Language>> = {
  ".c": "C",
  ".cc": "C++",
  ".cpp": "C++",
  ".cxx": "C++",
  ".s": "assembler",
  ".S": "assembler",
};

/** Which compiler an input needs, or undefined if it is to be linked as it is. */
export function languageOf(path: string): Language | undefined {
  return languages[extname(path)];
}

/** The inputs with objects in place of sources; `remove` deletes these objects once they are linked. */
export interface CompiledInputs {
  readonly items: readonly InputItem[];
  remove(): void;
}

/**
 * Compiles the sources among the inputs with `$CC $CFLAGS` or `$CXX $CXXFLAGS`, several at a time. The compiler's
 * messages go to standard error. The libraries that a C++ compiler links without being asked are added at the end, unless
 * the inputs bring a C++ library of their own.
 * @throws LinkError naming the source whose compiler failed.
 */
export async function compileSources(items: readonly InputItem[]): Promise<CompiledInputs> {
  const sources = items.filter((item) => item.kind === "file" && languageOf(item.path) !== undefined) as FileInput[];
  if (sources.length === 0) return { items, remove: () => {} };
  const directory = mkdtempSync(join(tmpdir(), "slablink-"));
  const remove = removeOnce(directory);
  try {
    const objects = new Map<FileInput, FileInput>();
    const queue = sources.entries();
    const work = async () => {
      for (const [index, source] of queue) {
        const path = join(directory, `${index}-${basename(source.path)}.o`);
        await compile(source.path, path);
        objects.set(source, { ...source, path, name: source.path });
      }
    };
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), sources.length) }, work));
    const compiled: InputItem[] = items.map((item) => (item.kind === "file" ? (objects.get(item) ?? item) : item));
    if (sources.some((source) => languageOf(source.path) === "C++") && !items.some(isCxxLibrary)) {
      for (const name of ["stdc++", "m"]) compiled.push({ kind: "library", name, static: false, wholeArchive: false });
    }
    return { items: compiled, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function isCxxLibrary(item: InputItem): boolean {
  return item.kind === "library"
    ? /^:?(lib)?(std)?c\+\+/.test(item.name)
    : /^lib(std)?c\+\+\./.test(basename(item.path));
}

function compile(source: string, object: string): Promise<void> {
  const cxx = languageOf(source) === "C++";
  // $CC may hold words of its own, as in `ccache gcc`.
  const [program, ...first] = wordsOf(cxx ? "CXX" : "CC", cxx ? "c++" : "cc");
  const words = [...first, ...wordsOf(cxx ? "CXXFLAGS" : "CFLAGS", ""), "-c", source, "-o", object];
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", 2, 2] });
    child.on("error", (error) => {
      reject(
        new LinkError("file", `${source}: cannot run the compiler '${program}': ${error.message}`, { cause: error }),
      );
    });
    child.on("exit", (status, signal) => {
      if (status === 0) resolve();
      else reject(new LinkError("file", `${source}: '${program}' ended with ${signal ?? `status ${status}`}`));
    });
  });
}

function wordsOf(variable: string, otherwise: string): string[] {
  const text = process.env[variable]?.trim() || otherwise;
  return text === "" ? [] : text.split(/\s+/);
}

/** Deletes the directory when called, when this process exits, or when a signal ends it first. */
function removeOnce(directory: string): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const remove = () => {
    process.off("exit", remove);
    for (const signal of signals) process.off(signal, die);
    rmSync(directory, { recursive: true, force: true });
  };
  const die = (signal: NodeJS.Signals) => {
    remove();
    process.kill(process.pid, signal);
  };
  process.on("exit", remove);
  for (const signal of signals) process.on(signal, die);
  return remove;
}
