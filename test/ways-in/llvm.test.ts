import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { childrenOf, listening } from "./front.ts";

const JITLINK = "/usr/lib/llvm-22/bin/llvm-jitlink";

for (const manager of ["default", "generic", "shared", "simple-remote"]) {
  test(`llvm-jitlink connects to a listening executor, with -use-memmgr=${manager}`, async (t) => {
    if (!has(t, JITLINK)) return;
    const source =
      '#include <stdio.h>\nint main(int argc, char **argv) { printf("hello %d %s\\n", argc, argv[1]); return 7; }';
    const object = await compile(["gcc", "-O1", "-fPIC"], "hello.c", source);
    const front = await listening(["--listen", "tcp:127.0.0.1:0", "--llvm-unauthenticated"]);
    const place = front.place.slice("tcp:".length);
    const words = [`-oop-executor-connect=${place}`, `-use-memmgr=${manager}`, object, "-args", "a", "b"];
    const { status, stderr } = await run(JITLINK, words, { timeout: 30_000 });
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
      "llvm-jitlink 22 runs a program and ends with its status",
    );
    await front.stop();
  });
}
