import { type Endpoint, parseEndpoint } from "../src/epc/endpoint.ts";
import { UsageError } from "../src/errors.ts";
import { withDefaultLibraries } from "../src/inputs/default-libraries.ts";
import type { InputItem } from "../src/inputs/input.ts";
import type { RunRequest } from "../src/orc/run-request.ts";
import { type Option, oneOf, parseAddress, parseCount, parseOptions, parsePair, parseSize } from "./options.ts";

/** How `--stats` wants to be printed. */
export type StatsForm = "none" | "table" | "line" | "json";

/** The command line of `slablink run`, understood but not acted on. */
export interface RunOptions
  extends Omit<RunRequest, "onLinked" | "onExecutor" | "onReplaceable" | "compile" | "trace" | "reach"> {
  /** The executor's command line, or where it listens and the file that holds the secret. */
  readonly command?: string;
  readonly connect?: Endpoint;
  readonly secretFile?: string;
  readonly stats: StatsForm;
  /** Where a trace is to be written. */
  readonly trace?: string;
  /** The program is changed while it runs, and run again, when inputs change. */
  readonly watch: boolean;
  readonly help: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads the words after `slablink run`, response files already replaced.
 * @throws UsageError
 */
export function parseRunOptions(words: readonly string[]): RunOptions {
  const items: InputItem[] = [];
  const libraryDirectories: string[] = [];
  const absolutes: [string, number][] = [];
  const aliases: [string, string][] = [];
  let wholeArchive = false;
  let onlyStatic = false;
  let asNeeded = false;
  let groups = 0;
  let group: { group?: number } = {};
  let argv0: string | undefined;
  const run: Mutable<Omit<RunOptions, "items" | "libraryDirectories" | "absolutes" | "aliases" | "argv">> = {
    mode: "executor",
    memory: "shared",
    entry: "main",
    processSymbols: true,
    placement: "low",
    stats: "none",
    watch: false,
    help: false,
  };
  let memoryGiven = false;

  const flag = (names: string[], set: () => void): Option => ({ names, set });
  const valued = (names: string[], value: string, set: Option["set"]): Option => ({ names, value, set });
  const options: Option[] = [
    valued(["-l", "--library"], "NAME", (name) => {
      if (name === "" || name === ":") throw new UsageError("-l needs the name of a library");
      items.push({ kind: "library", name, static: onlyStatic, wholeArchive, asNeeded, ...group });
    }),
    valued(["-L", "--library-path"], "DIRECTORY", (directory) => libraryDirectories.push(directory)),
    flag(["--whole-archive"], () => {
      wholeArchive = true;
    }),
    flag(["--no-whole-archive"], () => {
      wholeArchive = false;
    }),
    flag(["-Bstatic", "-static", "-dn", "-non_shared"], () => {
      onlyStatic = true;
    }),
    flag(["-Bdynamic", "-dy", "-call_shared"], () => {
      onlyStatic = false;
    }),
    flag(["--as-needed"], () => {
      asNeeded = true;
    }),
    flag(["--no-as-needed"], () => {
      asNeeded = false;
    }),
    flag(["--start-group", "-("], () => {
      group = { group: ++groups };
    }),
    flag(["--end-group", "-)"], () => {
      group = {};
    }),
    valued(["--executor"], "PATH", (path) => {
      if (path === "") throw new UsageError("--executor needs a path");
      run.executorPath = path;
    }),
    flag(["--in-process"], () => {
      run.mode = "in-process";
    }),
    valued(["--executor-command"], "COMMAND", (command, name) => {
      if (command.trim() === "") throw new UsageError(`${name} needs a command`);
      run.command = command;
    }),
    valued(["--connect"], "unix:PATH|tcp:HOST:PORT", (text, name) => {
      run.connect = parseEndpoint(text, name);
    }),
    valued(["--secret-file"], "FILE", (path, name) => {
      if (path === "") throw new UsageError(`${name} needs the name of a file`);
      run.secretFile = path;
    }),
    valued(["--memory"], "shared|rpc|rpc-per-object", (value, name) => {
      run.memory = oneOf(value, ["shared", "rpc", "rpc-per-object"], name);
      memoryGiven = true;
      run.mustShare = run.memory === "shared";
    }),
    valued(["--tasks"], "inline|dispatched", (value, name) => {
      run.tasks = oneOf(value, ["inline", "dispatched"], name);
    }),
    valued(["--threads"], "N|auto", (value, name) => {
      run.threads = value === "auto" ? undefined : parseCount(value, name);
    }),
    valued(["--entry", "-e"], "NAME", (name) => {
      if (name === "") throw new UsageError("--entry needs the name of a function");
      run.entry = name;
    }),
    valued(["--argv0"], "NAME", (name) => {
      argv0 = name;
    }),
    valued(["--abs"], "NAME=ADDRESS", (text, name) => {
      const [symbol, address] = parsePair(text, name, "NAME=ADDRESS");
      absolutes.push([symbol, parseAddress(address, name)]);
    }),
    valued(["--alias"], "NEW=OLD", (text, name) => {
      aliases.push(parsePair(text, name, "NEW=OLD"));
    }),
    flag(["--no-run"], () => {
      run.linkOnly = true;
    }),
    flag(["--watch"], () => {
      run.watch = true;
    }),
    flag(["--no-process-symbols"], () => {
      run.processSymbols = false;
    }),
    valued(["--slab-size"], "SIZE", (text, name) => {
      run.slabSize = parseSize(text, name);
    }),
    valued(["--placement"], "low|near-libc|anywhere", (value, name) => {
      run.placement = oneOf(value, ["low", "near-libc", "anywhere"], name);
    }),
    {
      names: ["--stats"],
      value: "table|line|json",
      optionalValue: true,
      set: (value, name) => {
        run.stats = value === "" ? "table" : oneOf(value, ["table", "line", "json"], name);
      },
    },
    valued(["--trace"], "FILE", (path, name) => {
      if (path === "") throw new UsageError(`${name} needs the name of a file to write`);
      run.trace = path;
    }),
    flag(["--help", "-h"], () => {
      run.help = true;
    }),
  ];

  const input = (path: string) => {
    if (path === "") throw new UsageError("an input has an empty name");
    items.push({ kind: "file", path, wholeArchive, asNeeded, ...group });
  };
  const programArguments = parseOptions(splitLinkerWords(words), options, input, "run");
  const first = items.find((item) => item.kind === "file");
  if (!run.help) {
    if (items.length === 0) {
      throw new UsageError("no input: name at least one object, archive or source; see `slablink run --help`");
    }
    if (run.mode === "in-process" && (run.executorPath !== undefined || memoryGiven)) {
      const other = run.executorPath !== undefined ? "--executor" : "--memory";
      throw new UsageError(`--in-process and ${other} exclude each other: in-process there is no executor`);
    }
    checkWays(run);
    if (run.memory === "rpc-per-object" && run.slabSize !== undefined) {
      throw new UsageError("--memory=rpc-per-object and --slab-size exclude each other: there is no slab");
    }
  }
  const name = argv0 ?? (first?.kind === "file" ? first.path : "slablink");
  return {
    ...run,
    items: withDefaultLibraries(items),
    libraryDirectories,
    absolutes,
    aliases,
    argv: [name, ...programArguments],
  };
}

/** There is one executor. */
function checkWays(run: Partial<RunOptions>): void {
  const ways = [
    ["--in-process", run.mode === "in-process"],
    ["--executor", run.executorPath !== undefined],
    ["--executor-command", run.command !== undefined],
    ["--connect", run.connect !== undefined],
  ].flatMap(([name, given]) => (given === true ? [name] : []));
  if (ways.length > 1) throw new UsageError(`${ways[0]} and ${ways[1]} exclude each other: there is one executor`);
  if (run.watch) {
    const way = ways.find((name) => name !== "--executor");
    const excluded = way ?? (run.linkOnly ? "--no-run" : run.trace !== undefined ? "--trace" : undefined);
    if (excluded !== undefined) throw new UsageError(`--watch and ${excluded} exclude each other`);
  }
  if (run.secretFile !== undefined && run.connect === undefined) {
    throw new UsageError("--secret-file belongs to --connect");
  }
}

/**
 * What `pkg-config --libs` and a compiler's driver hand to the linker and what makes no difference here: how an output file
 * is laid out, and what linked code has in any case (its symbols are found by libraries, its references are bound at once).
 */
const WITHOUT_EFFECT =
  /^(-O\d?|-E|--export-dynamic|--hash-style=.*|--build-id(=.*)?|--eh-frame-hdr|--no-undefined|--relax|--sort-common)$/;
const KEYWORDS_WITHOUT_EFFECT = /^(relro|norelro|now|lazy|defs|noexecstack|combreloc|(no)?separate-code|origin)$/;

/** `-Wl,a,b` is `a b`, so that the words of a compiler's command line can be used as they are; `-pthread` is a library. */
function splitLinkerWords(words: readonly string[]): string[] {
  const end = words.indexOf("--");
  const ours = end < 0 ? words : words.slice(0, end);
  const split = ours.flatMap((word) => {
    if (word.startsWith("-Wl,")) return withEffect(word.slice(4).split(","));
    if (word === "-rdynamic") return [];
    return word === "-pthread" ? ["-lpthread"] : [word];
  });
  return end < 0 ? split : [...split, ...words.slice(end)];
}

function withEffect(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "-z" && KEYWORDS_WITHOUT_EFFECT.test(words[i + 1] ?? "")) i++;
    else if (!WITHOUT_EFFECT.test(words[i]!)) kept.push(words[i]!);
  }
  return kept;
}
