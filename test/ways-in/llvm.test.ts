import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { childrenOf, listening } from "./front.ts";

/** LLVM 19 has another option for its two memory managers. */
const controllers = [
  ...["default", "generic", "shared", "simple-remote"].map((manager) => ({
    version: 22,
    manager,
    words: [`-use-memmgr=${manager}`],
  })),
  { version: 19, manager: "default", words: [] },
  { version: 19, manager: "shared", words: ["-use-shared-memory"] },
];

for (const { version, manager, words: chosen } of controllers) {
  test(`llvm-jitlink ${version} connects to a listening executor, with its ${manager} memory manager`, async (t) => {
    const jitlink = `/usr/lib/llvm-${version}/bin/llvm-jitlink`;
    if (!has(t, jitlink)) return;
    const source =
      '#include <stdio.h>\nint main(int argc, char **argv) { printf("hello %d %s\\n", argc, argv[1]); return 7; }';
    const object = await compile(["gcc", "-O1", "-fPIC"], "hello.c", source);
    const front = await listening(["--listen", "tcp:127.0.0.1:0", "--llvm-unauthenticated"]);
    const place = front.place.slice("tcp:".length);
    const words = [`-oop-executor-connect=${place}`, ...chosen, object, "-args", "a", "b"];
    const { status, stderr } = await run(jitlink, words, { timeout: 30_000 });
    assert.deepEqual([status, stderr], [7, ""]);
    for (let tries = 0; childrenOf(front.pid).length > 0 && tries < 500; tries++)
      await new Promise((r) => setTimeout(r, 10));
    assert.deepEqual(childrenOf(front.pid), [], "its executor stays behind");
    assert.equal(front.wrote(), "hello 2 b\n", "the program's standard output is the front's");
    tableRow(
      "ways in",
      "`--listen tcp:127.0.0.1:PORT --llvm-unauthenticated`",
      `LLVM's ${manager}`,
      "everybody on this machine",
      `llvm-jitlink ${version} runs a program and ends with its status`,
    );
    await front.stop();
  });
}
