import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { internalError } from "../../cli/internal-error.ts";
import { packageRoot } from "../support/workspace.ts";

test("the stack of an internal error names places in the sources", () => {
  const path = join(packageRoot, "dist", "slablink.cjs");
  const before = readFileSync(path, "latin1").split("unknown option '")[0]!.split("\n");
  const error = new Error("x");
  error.stack = `Error: x\n    at a (${path}:${before.length}:${before.at(-1)!.length + 1})\n    at b (node:fs:1:2)`;
  const text = internalError(error);
  assert.match(
    text,
    /^slablink: internal error \(please report it\): Error: x\n {4}at a \(cli\/options\.ts:\d+:\d+\)\n/,
  );
  assert.ok(text.endsWith("    at b (node:fs:1:2)\n"));
  assert.match(internalError("no error"), /: no error\n$/);
});
