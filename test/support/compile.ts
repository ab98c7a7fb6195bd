import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./process.ts";
import { freshDirectory } from "./workspace.ts";

const objects = new Map<string, Promise<string>>();

/**
 * Compiles a source to an object in the workspace; the same source with the same words is compiled once in a test
 * process. The name decides the language; a header needs none.
 * @param words the compiler and its flags, such as `["gcc", "-O2"]`
 */
export function compile(words: readonly string[], name: string, text: string): Promise<string> {
  const key = JSON.stringify([words, name, text]);
  let object = objects.get(key);
  if (object === undefined) {
    object = compileNow(words, name, text);
    objects.set(key, object);
  }
  return object;
}

async function compileNow(words: readonly string[], name: string, text: string): Promise<string> {
  const directory = freshDirectory();
  const source = join(directory, name);
  mkdirSync(join(source, ".."), { recursive: true });
  writeFileSync(source, text);
  const object = join(directory, basename(name).replace(/\.[^.]+$/, ".o"));
  const [compiler, ...flags] = words;
  await mustRun(compilerFor(compiler, name), [...flags, "-c", source, "-o", object]);
  return object;
}

/** Sources whose compilers leave files beside the object that the next one reads (modules, library information). */
export const otherLanguages = /\.(f90|d|adb|m|mm|mod)$/;

/** Compiles a source that lies in a directory, there; returns the object's name. */
export async function compileIn(directory: string, words: readonly string[], name: string): Promise<string> {
  const object = name.replace(/\.[^.]+$/, ".o");
  await mustRun(words[0], [...words.slice(1), "-c", name, "-o", object], directory);
  return object;
}

/** The C++ compiler that belongs to a C compiler, if the source is C++. */
export function compilerFor(compiler: string, name: string): string {
  if (!/\.(cc|cpp|cxx)$/.test(name)) return compiler;
  return compiler
    .replace(/^gcc/, "g++")
    .replace(/^clang(?!\+)/, "clang++")
    .replace(/^cc$/, "c++");
}

/** Runs a tool that has to succeed; returns its standard output. */
export async function mustRun(program: string, words: readonly string[], cwd?: string): Promise<string> {
  const { status, stdout, stderr } = await run(program, words, { cwd });
  if (status !== 0) throw new Error(`status ${status} from ${[program, ...words].join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
