import { fstatSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { LinkError } from "../errors.ts";
import { createMemfd } from "../host/memfd.ts";
import { closeNative } from "../host/native-descriptor.ts";
import { compilerFor } from "./compile.ts";
import { languageOf } from "./sources.ts";

/** A source to compile: a file, or a text that has a name for messages and for its language (`fib.c`, `shape.cc`, `start.s`). */
export type Source = { readonly path: string } | { readonly name: string; readonly source: string };

/** How sources are compiled in memory. */
export interface CompileInMemoryOptions {
  /** For CC, CXX, CFLAGS, CXXFLAGS; process.env by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Further words for the compiler: `-O2`, `-I include`. */
  readonly flags?: readonly string[];
}

/** The compiler's descriptor of the object it writes. */
const OUTPUT_FD = 3;

/**
 * Compiles one source by $CC or $CXX to an object, with no file of ours on disk: a text goes in by standard input, the object comes out
 * through a file in memory. Errors: LinkError with what the compiler has written to its standard error.
 */
export async function compileInMemory(source: Source, options: CompileInMemoryOptions = {}): Promise<Uint8Array> {
  const name = "path" in source ? source.path : source.name;
  const environment = options.environment ?? process.env;
  const { command, args, variable } = compilerFor(name, environment);
  const { spawn } = process.getBuiltinModule("node:child_process");
  const fd = createMemfd("slablink-object", 0);
  try {
    args.push("-pipe", ...(options.flags ?? []));
    if ("path" in source) args.push("-c", name.startsWith("-") ? `./${name}` : name);
    // Quoted includes of a text are looked for where its name says that it is.
    else args.push("-iquote", dirname(name), "-x", languageOf(name), "-c", "-");
    args.push("-o", `/proc/self/fd/${OUTPUT_FD}`);
    const child = spawn(command, args, { env: environment, stdio: ["pipe", "ignore", "pipe", fd] });
    child.stdin!.on("error", () => {}); // A compiler that has not read all of it says why.
    child.stdin!.end("path" in source ? "" : numbered(source));
    let words = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      words += text;
    });
    const end = await new Promise<string | undefined>((resolve) => {
      child.on("error", (error: NodeJS.ErrnoException) => {
        const reason = error.code === "ENOENT" ? "there is no such program" : error.message;
        resolve(`cannot be started: ${reason} (${variable} names another)`);
      });
      child.on("close", (status, signal) => {
        if (signal !== null) resolve(`was ended by ${signal}`);
        else resolve(status === 0 ? undefined : `failed with exit status ${status}`);
      });
    });
    if (end !== undefined) {
      throw new LinkError(
        "link",
        `${name}: the compiler ${command} ${end}${words === "" ? "" : `\n${words.trimEnd()}`}`,
      );
    }
    const object = new Uint8Array(fstatSync(fd).size);
    readSync(fd, object, 0, object.length, 0);
    if (object.length === 0)
      throw new LinkError("link", `${name}: the compiler ${command} ended well but wrote no object`);
    return object;
  } finally {
    closeNative(fd);
  }
}

/** Languages with a preprocessor, which is told whose lines these are: for messages and debug information. */
const PREPROCESSED = new Set(["c", "c++", "assembler-with-cpp"]);

function numbered({ name, source }: { name: string; source: string }): string {
  return PREPROCESSED.has(languageOf(name)) ? `#line 1 ${JSON.stringify(name)}\n${source}` : source;
}
