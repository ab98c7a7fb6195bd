import { UsageError } from "../src/errors.ts";
import { didYouMean } from "./hint.ts";
import { writeOutput } from "./terminal.ts";

/** What `slablink` alone and `slablink --help` say. */
export const overview = `slablink: links ELF objects and archives straight into memory and runs them

  slablink run [options] INPUT... [-- ARGUMENT...]   link a program and run it
  slablink executor --print-path                     where the native executor is
  slablink executor --listen PLACE                   let controllers come to executors here
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
  --watch                when an object or a source among the inputs changes, its functions are exchanged in the running
                         program, whose variables stay as they are; when the program has ended, it is run again
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
  --executor-command COMMAND
                         in one that the shell's command line starts, over its standard input and output, as in
                         'ssh HOST slablink-executor --stdio'; the program has the environment and directory there
  --connect unix:PATH|tcp:HOST:PORT
                         in one of \`slablink executor --listen\`
  --secret-file FILE     what both sides of a TCP connection prove to know; or the environment's SLABLINK_SECRET
  --memory=shared|rpc|rpc-per-object
                         contents lie in memory that both processes see (default), travel in messages, or in messages
                         with memory reserved and finalized for each object by itself, as a baseline for measurements;
                         where memory cannot be shared (other machines, containers) rpc is what is done by default
  --in-process           in this process
  --argv0 NAME           the program's argv[0]; by default the name of the first input
`;

const executor = `slablink executor --print-path
slablink executor --listen unix:PATH [options]
slablink executor --listen tcp:ADDRESS:PORT [--secret-file FILE] [options]

Prints the path of the native program in which linked code runs; or listens for controllers (\`slablink run --connect\`) and
gives each an executor of its own. Whoever is let in runs code as the user who listens.

  unix:PATH              for this user only: the socket has mode 0600, and the kernel is asked whose a controller is
  tcp:ADDRESS:PORT       for who proves to know the secret; exactly this address is bound, port 0 is any that is free.
                         The stream is not encrypted: where others may listen in, use ssh (\`slablink run --executor-command\`)
  --secret-file FILE     the secret, of 16 bytes or more, in a file that nobody else may read; or SLABLINK_SECRET
  --beyond-loopback      allows an address that other machines reach
  --once                 ends after the first controller
  --max-connections N    controllers at a time (16)
  --llvm-unauthenticated for llvm-jitlink -oop-executor-connect=127.0.0.1:PORT, which knows no secret: everybody on this
                         machine is let in; the program has the standard streams of this command
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
