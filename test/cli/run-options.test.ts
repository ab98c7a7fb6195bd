import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRunOptions } from "../../cli/run-options.ts";
import { UsageError } from "../../src/errors.ts";

const file = (path: string, more = {}) => ({ kind: "file", path, wholeArchive: false, asNeeded: false, ...more });
const library = (name: string, more = {}) => {
  return { kind: "library", name, static: false, wholeArchive: false, asNeeded: false, ...more };
};

test("inputs and libraries keep their order", () => {
  const { items, libraryDirectories } = parseRunOptions([
    ...["a.o", "-lm", "b.a", "-L/x", "-l", "z", "-l:libq.a", "-L", "y", "--library=w", "--library-path", "v"],
  ]);
  assert.deepEqual(items, [file("a.o"), library("m"), file("b.a"), library("z"), library(":libq.a"), library("w")]);
  assert.deepEqual(libraryDirectories, ["/x", "y", "v"]);
});

test("--whole-archive, -Bstatic and --as-needed hold for what stands between them", () => {
  const { items } = parseRunOptions([
    ...["a.o", "--whole-archive", "b.a", "-lc1", "--no-whole-archive", "d.a", "-Bstatic", "-le", "-Bdynamic", "-lf"],
    ...["--as-needed", "-lg", "--no-as-needed", "-lh", "-static", "-li"],
  ]);
  assert.deepEqual(items, [
    file("a.o"),
    file("b.a", { wholeArchive: true }),
    library("c1", { wholeArchive: true }),
    file("d.a"),
    library("e", { static: true }),
    library("f"),
    library("g", { asNeeded: true }),
    library("h"),
    library("i", { static: true }),
  ]);
});

test("words for the linker on a compiler's command line", () => {
  const { items } = parseRunOptions(["a.o", "-Wl,--whole-archive,b.a,--no-whole-archive", "-pthread", "--", "-Wl,x"]);
  assert.deepEqual(items, [file("a.o"), file("b.a", { wholeArchive: true }), library("pthread")]);
  const { argv } = parseRunOptions(["a.o", "--", "-Wl,x", "--", "-pthread"]);
  assert.deepEqual(argv, ["a.o", "-Wl,x", "--", "-pthread"]);
});

test("words for the linker that make no difference here are passed over, others are not", () => {
  const words = [
    "-Wl,-O1,--as-needed,-z,relro,-z,now,--hash-style=gnu",
    "a.o",
    "-rdynamic",
    "-Wl,--export-dynamic,-lm",
  ];
  const { items } = parseRunOptions(words);
  assert.deepEqual(items, [file("a.o", { asNeeded: true }), library("m", { asNeeded: true })]);
  for (const word of ["-Wl,-z,execstack", "-Wl,--gc-sections", "-O1", "-Wl,-Tscript"]) {
    assert.throws(() => parseRunOptions(["a.o", word]), UsageError, word);
  }
});

test("what is not given has its default", () => {
  const { items: _, ...rest } = parseRunOptions(["a.o"]);
  assert.deepEqual(rest, {
    ...{
      mode: "executor",
      memory: "shared",
      entry: "main",
      processSymbols: true,
      placement: "low",
      stats: "none",
      watch: false,
    },
    ...{ help: false, libraryDirectories: [], absolutes: [], aliases: [], argv: ["a.o"] },
  });
});

test("every option, with = and with a word of its own", () => {
  const expected = {
    ...{ executorPath: "/e", memory: "rpc", entry: "start", argv: ["name", "-x", "y z"], slabSize: 512 * 1024 ** 2 },
    ...{ absolutes: [["here", 0x1000]], aliases: [["new", "old"]], placement: "near-libc", stats: "json" },
  };
  const pairs = [
    ...[
      ["--executor", "/e"],
      ["--memory", "rpc"],
      ["--entry", "start"],
      ["--argv0", "name"],
    ],
    ...[
      ["--slab-size", "512M"],
      ["--abs", "here=0x1000"],
      ["--alias", "new=old"],
      ["--placement", "near-libc"],
    ],
  ];
  for (const words of [pairs.flat(), pairs.map((pair) => pair.join("="))]) {
    const options = parseRunOptions([...words, "--stats=json", "a.o", "--", "-x", "y z"]);
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(options[name as keyof typeof options], value, name);
    }
  }
  assert.equal(parseRunOptions(["--in-process", "a.o"]).mode, "in-process");
  assert.equal(parseRunOptions(["--no-process-symbols", "a.o"]).processSymbols, false);
  assert.equal(parseRunOptions(["--stats", "a.o"]).stats, "table");
  assert.equal(parseRunOptions(["--stats", "json"]).items.length, 1, "--stats takes no word of its own");
  assert.equal(parseRunOptions(["--help"]).help, true);
  assert.equal(parseRunOptions(["--memory=rpc-per-object", "a.o"]).memory, "rpc-per-object");
  assert.equal(parseRunOptions(["--tasks=inline", "a.o"]).tasks, "inline");
  assert.equal(parseRunOptions(["--threads=2", "a.o"]).threads, 2);
  assert.equal(parseRunOptions(["--threads=2", "--threads", "auto", "a.o"]).threads, undefined);
  assert.equal(parseRunOptions(["--no-run", "a.o"]).linkOnly, true);
});

test("sizes", () => {
  const size = (text: string) => parseRunOptions([`--slab-size=${text}`, "a.o"]).slabSize;
  assert.deepEqual(["4096", "0x1000", "4K", "4KiB", "2m", "3G"].map(size), [
    4096,
    4096,
    4096,
    4096,
    2 ** 21,
    3 * 2 ** 30,
  ]);
});

test("a C++ source brings the C++ library, unless one is among the inputs", () => {
  const names = (...words: string[]) => {
    return parseRunOptions(words).items.flatMap((item) => (item.kind === "library" ? [item.name] : []));
  };
  assert.deepEqual(names("a.cc"), ["stdc++", "m", "gcc_s"]);
  assert.deepEqual(names("a.c", "b.o"), []);
  assert.deepEqual(names("a.cpp", "/x/libstdc++.a"), []);
  assert.deepEqual(names("a.cxx", "-lstdc++"), ["stdc++"]);
  assert.deepEqual(names("a.cxx", "-lc++"), ["c++"]);
  assert.deepEqual(names("a.cxx", "-l:libstdc++.so.6"), [":libstdc++.so.6"]);
});

test("every mistake is a usage error that says what is expected", () => {
  const mistakes: [words: string[], expected: RegExp][] = [
    [[], /no input/],
    [["--"], /no input/],
    [["--entri", "x", "a.o"], /unknown option '--entri'; did you mean '--entry'\?; see `slablink run --help`/],
    [["--unheard-of=5", "a.o"], /unknown option '--unheard-of'; see/],
    [["-x", "a.o"], /unknown option '-x'/],
    [["a.o", "--entry"], /--entry needs a value: --entry=NAME/],
    [["a.o", "-l"], /-l needs a value: -l NAME/],
    [["a.o", "--entry="], /--entry needs the name/],
    [["a.o", "--in-process=yes"], /--in-process takes no value/],
    [["a.o", "--memory", "disk"], /--memory: 'disk' is none of shared, rpc/],
    [["a.o", "--memory=rpc-per-object", "--slab-size=1M"], /--memory=rpc-per-object and --slab-size exclude/],
    [["a.o", "--tasks=later"], /--tasks: 'later' is none of inline, dispatched/],
    [["a.o", "--threads=0"], /--threads: '0' is not a number from 1 to 1024/],
    [["a.o", "--threads", "many"], /--threads: 'many' is not a number/],
    [["a.o", "--placement=high"], /--placement: 'high' is none of low, near-libc, anywhere/],
    [["a.o", "--stats=xml"], /--stats: 'xml' is none of table, line, json/],
    [["a.o", "--slab-size=many"], /--slab-size: 'many' is not a size/],
    [["a.o", "--slab-size=0"], /--slab-size: '0' is not a size/],
    [["a.o", "--slab-size=-5"], /--slab-size: '-5' is not a size/],
    [["a.o", "--slab-size=99999999999G"], /is not a size/],
    [["a.o", "--abs", "x"], /--abs: 'x' is not of the form NAME=ADDRESS/],
    [["a.o", "--abs", "x=here"], /--abs: 'here' is not an address/],
    [["a.o", "--abs", "x=0x20000000000000"], /is not an address/],
    [["a.o", "--alias", "=old"], /--alias: '=old' is not of the form NEW=OLD/],
    [["a.o", "--in-process", "--memory=rpc"], /--in-process and --memory exclude each other/],
    [["a.o", "--in-process", "--executor=/x"], /--in-process and --executor exclude each other/],
    [["a.o", "--executor-command=x", "--connect=unix:y"], /--executor-command and --connect exclude each other/],
    [["a.o", "--executor-command= "], /--executor-command needs a command/],
    [["a.o", "--connect=tcp:host"], /--connect: 'tcp:host' is neither unix:PATH nor tcp:HOST:PORT/],
    [["a.o", "--connect=unix:"], /--connect: 'unix:' is neither/],
    [
      ["a.o", `--connect=unix:/${"x".repeat(107)}`],
      /--connect: a Unix socket's path has 107 bytes at most, '\/x+' has 108$/,
    ],
    [["a.o", `--connect=unix:${"é".repeat(54)}`], /--connect: .* at most, 'é+' has 108$/],
    [["a.o", "--secret-file=x"], /--secret-file belongs to --connect/],
    [["a.o", ""], /empty name/],
  ];
  for (const [words, expected] of mistakes) {
    assert.throws(
      () => parseRunOptions(words),
      (error) => error instanceof UsageError && expected.test(error.message),
      words.join(" "),
    );
  }
});
