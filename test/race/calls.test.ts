import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { fileOf } from "../support/source.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";
import { CALLS_PROGRAM } from "./calls-program.ts";

test("calls, imports of many threads, and the end while they come: ThreadSanitizer has nothing to say", async (t) => {
  if (!has(t, "libtsan.so")) return;
  const linked = join(packageRoot, "executor", "linked");
  const sources = ["calls.c", "calls_thread.c", "calls_message.c"].map((name) => join(linked, name));
  const program = join(freshDirectory(), "calls");
  const flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=thread", "-pthread", `-I${linked}`];
  await mustRun("gcc", [...flags, "-o", program, fileOf("controller.c", CALLS_PROGRAM), ...sources]);
  const outcome = await run(program, [], { env: { TSAN_OPTIONS: "exitcode=66" }, timeout: 300_000 });
  assert.deepEqual(outcome, { status: 0, stdout: "over\n", stderr: "" });
});
