import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { LinkError } from "../errors.ts";
import { CXX_SUFFIXES } from "./sources.ts";
import { TemporaryDirectory } from "./temporary-directory.ts";
import { splitShellWords } from "./words.ts";

/** With which compilers, and where they report. */
export interface CompileOptions {
  /** For CC, CXX, CFLAGS, CXXFLAGS; process.env by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Descriptor that the compilers write to; 2, the standard error, by default. */
  readonly diagnostics?: number;
  /** Flags behind those of the environment. */
  readonly flags?: readonly string[];
  /** Is told which files a source consists of: itself, and what it includes but for the system's headers. */
  readonly onDependencies?: (source: string, files: readonly string[]) => void;
  /** Is given the work of each compiler to do, for a trace. */
  readonly follow?: <T>(name: string, work: () => Promise<T>, group: string) => Promise<T>;
}

/** Compilers at work at the same time. */
const PARALLEL = 2;

/**
 * Compiles C, C++ and assembler sources to objects in memory, by $CC (cc) with CFLAGS and $CXX (c++) with CXXFLAGS; the
 * result is in the order of `paths`. What the compilers print goes to the diagnostics descriptor. Nothing stays on
 * disk. All sources are tried before a LinkError names each that failed, with the compiler's exit status;
 * a SlablinkError with code "file" where there is no place for temporary files.
 */
export async function compileSources(paths: readonly string[], options: CompileOptions = {}): Promise<Uint8Array[]> {
  if (paths.length === 0) return [];
  const running = new Set<ChildProcess>();
  const directory = new TemporaryDirectory("slablink-compile-", paths[0]!, () => {
    for (const child of running) child.kill();
  });
  try {
    const objects: Uint8Array[] = new Array(paths.length);
    const failures: string[] = new Array(paths.length);
    let next = 0;
    const work = async () => {
      while (next < paths.length) {
        const i = next++;
        const object = join(directory.path, `${i}-${basename(paths[i])}.o`);
        const one = () => compile(paths[i], object, directory.path, options, running);
        const failure = await (options.follow?.(`compile ${paths[i]}`, one, "compilers") ?? one());
        if (failure === undefined) objects[i] = readFileSync(object);
        else failures[i] = failure;
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    const failed = failures.filter((failure) => failure !== undefined);
    if (failed.length > 0) throw new LinkError("link", failed.join("\n"));
    return objects;
  } finally {
    directory.remove();
  }
}

/** Runs one compiler; resolves to what went wrong, or undefined. */
function compile(
  source: string,
  object: string,
  directory: string,
  options: CompileOptions,
  running: Set<ChildProcess>,
): Promise<string | undefined> {
  const { command, args, variable: commandVariable } = compilerFor(source, options.environment ?? process.env);
  args.push(...(options.flags ?? []));
  const dependencies = `${object}.d`;
  if (options.onDependencies !== undefined) args.push("-MMD", "-MF", dependencies);
  args.push("-c", source.startsWith("-") ? `./${source}` : source, "-o", object);

  const { spawn } = process.getBuiltinModule("node:child_process");
  const diagnostics = options.diagnostics ?? 2;
  return new Promise((resolve) => {
    // Its own temporary files go where they are removed with ours, however it ends.
    const env = { ...(options.environment ?? process.env), TMPDIR: directory };
    const child = spawn(command, args, { env, stdio: ["ignore", diagnostics, diagnostics] });
    running.add(child);
    child.on("error", (error: NodeJS.ErrnoException) => {
      running.delete(child);
      const reason = error.code === "ENOENT" ? "there is no such program" : error.message;
      resolve(`${source}: the compiler ${command} cannot be started: ${reason} (${commandVariable} names another)`);
    });
    child.on("close", (status, signal) => {
      running.delete(child);
      if (status === 0 && existsSync(object)) {
        if (existsSync(dependencies))
          options.onDependencies?.(source, readDependencies(readFileSync(dependencies, "utf8")));
        resolve(undefined);
      } else if (status === 0) resolve(`${source}: the compiler ${command} ended well but wrote no object`);
      else if (signal !== null) resolve(`${source}: the compiler ${command} was ended by ${signal}`);
      else resolve(`${source}: the compiler ${command} failed with exit status ${status}`);
    });
  });
}

/** The compiler that is asked to compile `source` (by its suffix), with the flags of the environment, and the variable that names it. */
export function compilerFor(
  source: string,
  environment: NodeJS.ProcessEnv,
): { command: string; args: string[]; variable: string } {
  const [variable, flagsVariable, fallback] = CXX_SUFFIXES.has(extname(source))
    ? ["CXX", "CXXFLAGS", "c++"]
    : ["CC", "CFLAGS", "cc"];
  const words = splitShellWords(environment[variable] || fallback, variable);
  const [command, ...args] = words.length > 0 ? words : [fallback];
  args.push(...splitShellWords(environment[flagsVariable] ?? "", flagsVariable));
  return { command: command!, args, variable };
}

/** The prerequisites of a rule as compilers write it for make: blanks in names have a backslash before them, lines end with one. */
function readDependencies(rule: string): string[] {
  const files = rule.slice(rule.indexOf(": ") + 2).replaceAll("\\\n", " ");
  return (files.match(/(\\.|\S)+/g) ?? []).map((name) => name.replace(/\\(.)/g, "$1").replaceAll("$$", "$"));
}
