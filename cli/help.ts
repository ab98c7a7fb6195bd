import { UsageError } from "../src/errors.ts";
import { didYouMean } from "./hint.ts";
import { writeOutput } from "./terminal.ts";

/** What `slablink` alone and `slablink --help` say. */
export const overview = `slablink: links ELF objects and archives straight into memory and runs them

  slablink run [options] INPUT... [-- ARGUMENT...]   link a program and run it
  slablink executor --print-path                     where the native executor is
  slablink help [COMMAND]                            more about a command
  slablink --version
`;

const run = `slablink run [options] INPUT... [-- ARGUMENT...]

Links the inputs into the memory of an executor process and runs them there. Standard input, output and error, the
environment, the working directory and signals belong to the program, and its exit status is ours: 128 + the signal's
number if it died of one. 1 is also a link error, 2 a mistake on the command line.

Inputs
  FILE                   an object, static archive, shared library or linker script, told apart by its contents
  FILE.c .cc .cpp .cxx .s .S
                         a source, compiled by $CC (cc) with $CFLAGS or $CXX (c++) with $CXXFLAGS
  -l NAME                libNAME.so or libNAME.a; -l :FILE for exactly that file
  -L DIRECTORY           look there for libraries, before the system's directories
  -Bstatic, -Bdynamic    only archives, or archives and shared libraries, for the -l that follow
  --whole-archive, --no-whole-archive
                         all members, or only the needed ones, of the archives that follow
  @FILE                  the words in FILE
  -Wl,WORD,WORD          the words, as on a compiler's command line

The link
  --entry NAME           call this function in place of main
  --abs NAME=ADDRESS     define a symbol as an address
  --alias NEW=OLD        define a symbol as another name of one
  --no-process-symbols   do not look for undefined symbols in the process itself
  --placement WHERE      low: below 2 GiB, where code of every model works (default); near-libc; anywhere
  --slab-size SIZE       room reserved for code and data, as in 512M
  --stats[=FORM]         say on standard error what the link did: table (default), line, or json as the last line
  --trace FILE           write what the run does, and when, as Chrome trace events: opens in https://ui.perfetto.dev

Where it runs
  --executor PATH        in this executor program rather than slablink's own
  --memory=shared|rpc    contents lie in memory that both processes see (default), or travel in messages
  --in-process           in this process
  --argv0 NAME           the program's argv[0]; by default the name of the first input
`;

const executor = `slablink executor --print-path

Prints the path of the native program in which linked code runs.
`;

const pages: Record<string, string> = { run, executor, help: overview, version: overview };

/** `slablink help [COMMAND]`. */
export async function command(words: string[]): Promise<number> {
  const [name] = words;
  if (name !== undefined && !Object.hasOwn(pages, name)) {
    throw new UsageError(`no command '${name}'${didYouMean(name, Object.keys(pages))}; see \`slablink --help\``);
  }
  writeOutput(name === undefined ? overview : pages[name]);
  return 0;
}
