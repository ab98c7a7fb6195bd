import { UsageError } from "../src/errors.ts";
import { didYouMean } from "./hint.ts";
import { writeOutput } from "./terminal.ts";

/** What `slablink` alone and `slablink --help` say. */
export const overview = `slablink: links ELF objects and archives straight into memory and runs them

  slablink run [options] INPUT... [-- ARGUMENT...]   link a program and run it
  slablink executor --print-path                     where the native executor is
  slablink bench [options] [NAME...]                 measure it beside its peers
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
  --no-run               link only, up to where the program would begin
  --no-process-symbols   do not look for undefined symbols in the process itself
  --placement WHERE      low: below 2 GiB, where code of every model works (default); near-libc; anywhere
  --slab-size SIZE       room reserved for code and data, as in 512M
  --threads N|auto       threads that share the work of linking; auto: as many as pay (default)
  --tasks=inline|dispatched
                         memory is allocated in the turn of who asks, or by a task of its own (default)
  --stats[=FORM]         say on standard error what the link did: table (default), line, or json as the last line
  --trace FILE           write what the run does, and when, as Chrome trace events: opens in https://ui.perfetto.dev

Where it runs
  --executor PATH        in this executor program rather than slablink's own
  --memory=shared|rpc|rpc-per-object
                         contents lie in memory that both processes see (default), travel in messages, or in messages
                         with memory reserved and finalized for each object by itself, as a baseline for measurements
  --in-process           in this process
  --argv0 NAME           the program's argv[0]; by default the name of the first input
`;

const executor = `slablink executor --print-path

Prints the path of the native program in which linked code runs.
`;

const bench = `slablink bench [options] [NAME...]

Links and runs programs with slablink and with llvm-jitlink, ld.lld, mold and gcc, in turn, and prints a table. Peers and
inputs that are absent are named, with the Debian package that has them; a C compiler is needed for every input.
\`slablink bench --help\` lists the options, \`slablink bench --list\` what there is to measure.
`;

const pages: Record<string, string> = { run, executor, bench, help: overview, version: overview };

/** `slablink help [COMMAND]`. */
export async function command(words: string[]): Promise<number> {
  const [name] = words;
  if (name !== undefined && !Object.hasOwn(pages, name)) {
    throw new UsageError(`no command '${name}'${didYouMean(name, Object.keys(pages))}; see \`slablink --help\``);
  }
  writeOutput(name === undefined ? overview : pages[name]);
  return 0;
}
