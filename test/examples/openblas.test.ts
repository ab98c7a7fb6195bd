import assert from "node:assert/strict";
import { test } from "node:test";
import { has } from "../support/tools.ts";
import { commandsOf, runExample } from "./run-example.ts";

/** Sizes and times in the output. */
const vague = /^OpenBLAS .*$|\d[\d.]* ms|\d+ × \d+|\d+ MB/gm;

test("the example of OpenBLAS multiplies rightly, over shared memory and over copies", async (context) => {
  if (!has(context, "libopenblas.a")) return;
  const [told] = commandsOf("openblas");
  const { status, stdout, stderr } = await runExample([told!.words[0]!, "150"]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.match(stdout, /^150 × 150 times 150 × 150, 1 MB in three matrices$/m);
  assert.match(stdout, /^the product is right$/m);
  assert.equal(stdout.replace(vague, "…"), told!.output.replace(vague, "…"), "the README says otherwise");
});
