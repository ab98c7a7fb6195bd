import assert from "node:assert/strict";
import { test } from "node:test";
import { has } from "../support/tools.ts";
import { runAsTold } from "./run-example.ts";

test("the example of SQLite gives the same in this process and isolated, and that is what its README says", async (context) => {
  if (!has(context, "libsqlite3.a")) return;
  const [here, isolated] = await runAsTold("sqlite", /^SQLite [\d.]+/gm);
  assert.equal(here!.split("\n").slice(1).join("\n"), isolated!.split("\n").slice(1).join("\n"));
});
