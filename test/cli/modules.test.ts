import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../support/compile.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** Each takes 3 to 13 ms of a run that takes 80: what needs one loads it when it is needed. */
const large = ["crypto", "net", "child_process", "stream", "worker_threads"];

test("an ordinary run loads none of Node's large modules", async () => {
  const folder = freshDirectory();
  const [hook, list] = [join(folder, "hook.cjs"), join(folder, "modules.json")];
  const text = `process.on("exit", () => require("fs").writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList)));`;
  writeFileSync(hook, text);
  const object = await compile(["cc"], "empty.c", "int main(void) { return 3; }\n");
  const words = ["--require", hook, join(packageRoot, "bin/slablink"), "run", object];
  assert.equal(spawnSync(process.execPath, words, { stdio: "inherit" }).status, 3);
  const loaded = JSON.parse(readFileSync(list, "utf8")) as string[];
  assert.ok(loaded.includes("NativeModule fs"));
  assert.deepEqual(
    large.filter((name) => loaded.includes(`NativeModule ${name}`)),
    [],
  );
});
