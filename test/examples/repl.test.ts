import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";
import { runAsTold, runExample } from "./run-example.ts";

const main = "examples/repl/main.mjs";
/** Times, and addresses of linked code. */
const vague = /\d[\d.]* ms\b(?=$|,)|0x[0-9a-f]{5,}/gm;

test("the example of a C prompt answers its session as its README says", async (context) => {
  if (!has(context, "cc")) return;
  const file = (name: string) => readFileSync(join(packageRoot, "examples/repl", name), "utf8");
  const session = file("session.txt").replace(/^/gm, "    ").trimEnd();
  assert.ok(file("README.md").includes(session), "the README shows another session.txt");
  await runAsTold("repl", vague);
});

test("what does not compile or link at the C prompt changes nothing", async (context) => {
  if (!has(context, "cc")) return;
  const stdin = [
    "int one(void) { return 1; }",
    "int one(void) { return nothing; }",
    "int one(void) { extern int elsewhere(void); return elsewhere(); }",
    "one()",
    "one(",
    "#define TWO (one() + one())",
    "TWO",
    "abort();",
    "one() + TWO",
    "",
  ].join("\n");
  const { status, stdout, stderr } = await runExample([main], {}, { stdin });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.match(stdout, /^LinkError: one\.c: .*\none\.c: .*\none\.c:1:.*error: .*nothing.* undeclared/m);
  assert.match(stdout, /^UndefinedSymbolsError: undefined symbol: elsewhere\n/m);
  const lines = stdout.split("\n").filter((line) => /^(\d+|one is .*)$/.test(line));
  assert.deepEqual(
    lines.map((line) => line.replace(/:.*/, "")),
    ["one is defined", "1", "2", "3"],
  );
});
