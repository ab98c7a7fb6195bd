import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeReleases } from "../package/node-releases.ts";
import { run } from "../support/process.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

const expected = { status: 0, stdout: "fib(30) = 832040\n", stderr: "" };

/** Builds the example with a Node of its own, and runs it where this package cannot be seen. */
async function buildAndRun(test: TestContext, node: string): Promise<void> {
  const directory = freshDirectory();
  const program = join(directory, "fib");
  const words = [join(packageRoot, "examples/single-executable/build.mjs"), program];
  // Ten seconds of work, on a machine that may have much else to do.
  const built = await run(node, words, { timeout: 300_000 });
  assert.deepEqual(built, { status: 0, stdout: "", stderr: "" });
  assert.deepEqual(readdirSync(directory), ["fib"]);

  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  const env = { TMPDIR: temporary, PACKAGE: packageRoot, PROGRAM: program };
  for (const word of ["", "--isolated"]) {
    await test.test(`${word || "in this process"}, without the package`, async (part) => {
      if (!has(part, "unshare")) return;
      const hidden = 'mount -t tmpfs none "$PACKAGE" && test ! -e "$PACKAGE/dist" && exec "$PROGRAM" "$@"';
      const words = ["--user", "--map-root-user", "--mount", "sh", "-c", hidden, "sh", ...(word === "" ? [] : [word])];
      assert.deepEqual(await run("unshare", words, { env, cwd: "/" }), expected);
      assert.deepEqual(readdirSync(temporary), []);
    });
  }
}

test("the example of a single executable runs with nothing beside it", async (context) => {
  if (!has(context, "cc")) return;
  await buildAndRun(context, process.execPath);
});

test("the same with the newest Node", async (context) => {
  if (!has(context, "cc")) return;
  const releases = await nodeReleases(context);
  if (releases !== undefined) await buildAndRun(context, releases.at(-1)!.path);
});
