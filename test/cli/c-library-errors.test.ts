import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { modesUnderTest, runIn } from "../support/slablink.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";

/** Expects a link error of exactly these lines, in every mode, before anything of the program has run. */
async function refused(words: readonly string[], ...lines: string[]): Promise<void> {
  for (const mode of modesUnderTest) {
    const { status, stdout, stderr } = await runIn(mode, words);
    assert.deepEqual({ status, stdout, stderr }, { status: 1, stdout: "", stderr: `${lines.join("\n")}\n` });
  }
}

const musl = "/usr/lib/x86_64-linux-musl/libc.a";
const program = (name: string): Promise<string> =>
  compile(["gcc", "-O1"], `${name}.c`, `int ${name}(); int main(void) { return ${name}(0, 0); }\n`);

test("what only a statically linked glibc has is undefined, with the reason", async (t) => {
  if (!has(t, "libc.a")) return;
  const object = await program("_dl_aux_init");
  const archive = (await mustRun("gcc", ["-print-file-name=libc.a"])).trim();
  await refused(
    [object, archive],
    "slablink: error: undefined symbol: _dl_aux_init",
    `>>> referenced by ${object}:(main)`,
    `>>> ${archive} has it, but the process's own libc.so.6 stands for that: two C libraries cannot be in one process`,
  );
});

test("what needs the state of another C library is undefined, with the reason", async (t) => {
  if (!has(t, musl)) return;
  const object = await program("fgetln");
  await refused(
    [object, musl],
    "slablink: error: undefined symbol: fgetln",
    `>>> referenced by ${object}:(main)`,
    `>>> ${musl}(fgetln.lo) has it, but needs __lockfile of its own C library: two C libraries cannot be in one process`,
  );
});

test("another C library as a whole is refused", async (t) => {
  if (!has(t, musl)) return;
  await refused(
    [await program("strlen"), "--whole-archive", musl],
    `slablink: error: ${musl}: is a whole C library, and the process has one: two cannot be in it`,
  );
});

test("the beginning of .init without its end is refused", async (t) => {
  if (!has(t, "gcc")) return;
  const crti = (await mustRun("gcc", ["-print-file-name=crti.o"])).trim();
  const object = await compile(["gcc"], "main.c", "int main(void) { return 0; }\n");
  await refused(
    [crti, object],
    "slablink: error: .init: the inputs have the beginning of the function (crti.o), and not its end (crtn.o, as the last of them)",
  );
});

test("a library that refers to what nothing defines is refused before the program runs", async () => {
  const directory = freshDirectory();
  const source = await compile(
    ["gcc", "-fPIC"],
    "library.c",
    "int nowhere(void); int f(int x) { return x ? nowhere() : 0; }\n",
  );
  const library = join(directory, "liblacking.so");
  await mustRun("gcc", ["-shared", "-o", library, source]);
  const object = await compile(
    ["gcc"],
    "main.c",
    '#include <stdio.h>\nint f(int); int main(void) { puts("ran"); fflush(stdout); return f(1); }\n',
  );
  for (const mode of modesUnderTest) {
    const { status, stdout, stderr } = await runIn(mode, [object, library]);
    assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
    assert.match(stderr, /^slablink: error: .*undefined symbol: nowhere/);
    assert.ok(stderr.includes(library));
  }
});
