import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../support/process.ts";
import { packageRoot } from "../support/workspace.ts";

/** Each in a process of its own: where files are holds for all of it. */
async function lines(text: string): Promise<string[]> {
  const words = ["--input-type=module", "--eval", text];
  const { stdout, stderr } = await run(process.execPath, words, { cwd: packageRoot });
  return (stdout + stderr).trimEnd().split("\n");
}

test("a file of the package is where it is said to be", async () => {
  const text = `
    import { executorPath, setPackageFiles } from "slablink";
    setPackageFiles({ "slablink-executor": "/proc/self/fd/20" });
    console.log(executorPath());`;
  assert.deepEqual(await lines(text), ["/proc/self/fd/20"]);
});

test("what is not koffi in its place is named", async () => {
  const text = `
    import { SlabMemory, setPackageFiles } from "slablink";
    setPackageFiles({ "koffi.node": "/dev/null" });
    try {
      new SlabMemory(4096);
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }`;
  assert.match((await lines(text)).join("\n"), /^SlablinkError file cannot load koffi's native module: \/dev\/null: /);
});
