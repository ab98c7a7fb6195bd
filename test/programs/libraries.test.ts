import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { sameOutcome, testPrograms } from "../support/programs.ts";
import { modesUnderTest, runIn } from "../support/slablink.ts";
import { findLibrary, has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

testPrograms("test/programs/libraries", [".c"]);

test("the example of npm start, with the toolchain's static C++ library", async (t) => {
  if (!has(t, "c++", "libstdc++.a", "libgcc_eh.a")) return;
  const text = readFileSync(join(packageRoot, "examples/words.cc"), "utf8");
  const object = await compile(["c++"], "words.cc", text);
  const executable = join(freshDirectory(), "words");
  await mustRun("c++", ["-static-libstdc++", "-static-libgcc", "-o", executable, object]);
  const reference = await run(executable, ["an argument"], { argv0: "words" });
  assert.match(reference.stdout, /different words in 2 threads/);
  const archives = ["libstdc++.a", "libgcc_eh.a", "libgcc.a"].map((name) => findLibrary(name)!);
  for (const mode of modesUnderTest) {
    await t.test(mode, async () => {
      sameOutcome(await runIn(mode, ["--argv0", "words", object, ...archives, "--", "an argument"]), reference);
    });
  }
});

test("npm start prints the program's output, and one line about the link on standard error", async (t) => {
  if (!has(t, "c++", "libstdc++.a", "libgcc_eh.a")) return;
  const { status, stdout, stderr } = await run(process.execPath, [join(packageRoot, "scripts/start.mjs"), "x"]);
  assert.deepEqual({ status, stderr: stderr.split("\n").length - 1 }, { status: 0, stderr: 1 }, stderr);
  assert.match(stdout, /^words: \d+ different words in 2 threads\n(?:.*\n)*argument 1: x\n$/);
  assert.match(stderr, /^slablink: linked [\d,]+ objects .* in [\d.]+ ms with \d+ requests\n$/);
});
