import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../support/workspace.ts";
import { children, descriptors } from "./left.ts";

const library = pathToFileURL(join(packageRoot, "dist/src/index.js")).href;

const code = `
  const { parentPort, workerData: { library, modes } } = require("node:worker_threads");
  process.on("warning", ({ message }) => parentPort.postMessage(message));
  import(library).then(async ({ importFunction, instantiate }) => {
    const exports = { twice: "int twice(int)", through: "int through(int)" };
    const source = "int js(int); int twice(int x) { return 2 * x; } int through(int x) { return js(x); }";
    const imports = { js: importFunction("int js(int)", (x) => x + 1) };
    for (const mode of modes) {
      const instance = await instantiate({ name: "w.c", source }, { ...mode, exports, imports });
      const results = [await instance.exports.twice.async(4), await instance.exports.through.async(4), instance.exports.through.sync(5)];
      await instance.dispose();
      parentPort.postMessage(results);
    }
    // Warnings come in a later turn.
    setTimeout(() => {}, 50);
  });
`;

test("worker threads use it side by side, without a warning and with nothing left", async () => {
  const modes = [{ isolated: false }, { isolated: true }];
  const run = async (): Promise<unknown[]> => {
    const worker = new Worker(code, { eval: true, workerData: { library, modes } });
    const messages: unknown[] = [];
    worker.on("message", (message) => messages.push(message));
    await once(worker, "exit");
    return messages;
  };
  await run();
  const [open, running] = [descriptors(), children().length];
  const expected = modes.map(() => [8, 5, 6]);
  assert.deepEqual(await Promise.all([run(), run()]), [expected, expected]);
  assert.deepEqual([descriptors(), children().length], [open, running]);
});
