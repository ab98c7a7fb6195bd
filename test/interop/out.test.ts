// slablink drives LLVM's executors: the same programs, memory and judge as with its own, in executors of every protocol version.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { compile } from "../support/compile.ts";
import { parseTestProgram } from "../support/directives.ts";
import { type PreparedProgram, prepareProgram, runPrepared, sameOutcome, type Variant } from "../support/programs.ts";
import { slablink } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";

const executors = [22, 19, 16, 14].map((version) => {
  return { name: `LLVM ${version}`, path: `/usr/lib/llvm-${version}/bin/llvm-jitlink-executor` };
});
/** Version and memory for what is tried everywhere, and for the rest. */
const everyWay = [
  ...[0, 1].flatMap((i) => ["shared", "rpc"].map((memory) => ({ ...executors[i]!, memory }))),
  { ...executors[0]!, memory: "rpc-per-object" },
  ...[2, 3].map((i) => ({ ...executors[i]!, memory: "shared" })),
];
const oneWay = [{ ...executors[0]!, memory: "shared" }];

interface Row {
  readonly what: string;
  readonly file: string;
  readonly compiler: readonly string[];
  readonly inputs?: readonly string[];
  /** In every version and memory; otherwise once. */
  readonly everywhere?: boolean;
}

const python = ["python-modules.o", "lib:libpython3.11.a", "-lexpat", "-lz", "-lm"];
const rows: readonly Row[] = [
  { what: "hello", file: "stdio.c", compiler: ["gcc", "-O2", "-fPIE"], everywhere: true },
  {
    what: "variables of the C library by 32 bits",
    file: "library-data.c",
    compiler: ["gcc", "-O2", "-fno-pic"],
    everywhere: true,
  },
  {
    what: "C++ exceptions",
    file: "exceptions-kinds.cc",
    compiler: ["gcc", "-std=c++17", "-O2", "-fPIE"],
    everywhere: true,
  },
  { what: "C++ streams", file: "iostream.cc", compiler: ["gcc", "-O2", "-fno-pic"], everywhere: true },
  { what: "constructors and destructors", file: "statics.cc", compiler: ["gcc", "-O2", "-fPIE"], everywhere: true },
  { what: "order of initializers, with their arguments", file: "init-kinds.c", compiler: ["gcc", "-O1", "-fPIE"] },
  { what: "thread-locals", file: "tls.c", compiler: ["gcc", "-O2", "-fPIE"], everywhere: true },
  { what: "thread-locals beyond the loader's room", file: "tls-big.c", compiler: ["gcc", "-O2", "-fPIE"] },
  { what: "thread_local objects", file: "thread-local-objects.cc", compiler: ["gcc", "-std=c++20", "-O2", "-fPIE"] },
  { what: "threads", file: "threads.c", compiler: ["gcc", "-O2", "-fPIE"] },
  { what: "fork", file: "fork.c", compiler: ["gcc", "-O1", "-fPIE"] },
  { what: "signals and their handlers", file: "signal-handler.c", compiler: ["gcc", "-O1", "-fPIE"] },
  { what: "seventeen ways to end", file: "exit-ways.c", compiler: ["gcc", "-O1", "-fno-pic"] },
  { what: "a fault", file: "signal-segv.c", compiler: ["gcc", "-O1"] },
  { what: "indirect functions", file: "ifunc.c", compiler: ["gcc", "-O2", "-fPIE"] },
  { what: "dlsym", file: "dlsym-linked.c", compiler: ["gcc", "-O1", "-fPIE"] },
  { what: "a malloc of its own", file: "interposed-malloc.c", compiler: ["gcc", "-O1", "-fPIE"] },
  { what: "the environment", file: "environ.c", compiler: ["gcc", "-O1", "-fno-pic"] },
  { what: "names of the process, auxiliary vector", file: "process-name.c", compiler: ["gcc", "-O1", "-fPIE"] },
  {
    what: "CPython with its modules",
    file: "libraries/python-modules.c",
    compiler: ["gcc", "-O1", "-fno-pic", "-I/usr/include/python3.11"],
    inputs: python,
    everywhere: true,
  },
];

for (const { what, file, compiler, inputs, everywhere } of rows) {
  test(`${what} in LLVM's executors`, async (t) => {
    const program = parseTestProgram(
      file.slice(file.lastIndexOf("/") + 1),
      readFileSync(join(packageRoot, "test/programs", file), "utf8"),
    );
    const variant: Variant = inputs === undefined ? { compiler } : { compiler, inputs };
    let prepared: PreparedProgram | undefined;
    for (const { name, path, memory } of everywhere === true ? everyWay : oneWay) {
      await t.test(`${name}, ${memory}`, async (each) => {
        if (!has(each, path)) return;
        prepared ??= await prepareProgram(each, program, variant);
        if (prepared === undefined) return;
        const outcome = await runPrepared(prepared, [`--executor=${path}`, `--memory=${memory}`]);
        sameOutcome(outcome, prepared.reference);
        tableRow("who drives whom", "slablink", name, memory, what, `as gcc's own link, status ${outcome.status}`);
      });
    }
  });
}

const spins = `#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\\n", (int)getpid()); fflush(stdout); for (;;) continue; }`;

for (const { name, path } of executors) {
  test(`${name}'s executor ends when slablink is killed, while main spins`, async (t) => {
    if (!has(t, path)) return;
    const object = await compile(["gcc", "-O1"], "spins.c", spins);
    const words = [join(packageRoot, "bin/slablink"), "run", `--executor=${path}`, object];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await new Promise<Buffer>((resolve) => child.stdout.once("data", resolve))).toString().split("\n");
    const pid = Number(line);
    assert.ok(isRunning(pid), "the program's own process");
    child.kill("SIGKILL");
    for (const end = Date.now() + 10_000; isRunning(pid) && Date.now() < end; ) await sleep(20);
    assert.ok(!isRunning(pid), `process ${pid} goes on without its controller`);
  });

  test(`${name}'s executor killed is the program killed, and nothing stays`, async (t) => {
    if (!has(t, path)) return;
    const text = `#include <signal.h>\nint main(void) { raise(SIGKILL); return 0; }`;
    const object = await compile(["gcc", "-O1"], "killed.c", text);
    const { status, stderr } = await slablink(["run", `--executor=${path}`, object]);
    assert.equal(status, 128 + 9);
    assert.equal(stderr, "slablink: program ended by SIGKILL\n");
  });
}

test("what a program starts does not get the connection of LLVM's executor", async (t) => {
  const { path } = executors[0]!;
  if (!has(t, path)) return;
  const text = `#include <stdlib.h>\nint main(void) { return system("test -S /proc/self/fd/3") == 0; }`;
  const object = await compile(["gcc", "-O1"], "starts.c", text);
  assert.deepEqual(await slablink(["run", `--executor=${path}`, object]), { status: 0, stdout: "", stderr: "" });
});

test("thread-locals that LLVM's threads cannot bear are refused with both sizes", async (t) => {
  const { path } = executors[0]!;
  if (!has(t, path)) return;
  const text = `__thread char large[50000000];\nint main(void) { return large[1]; }`;
  const object = await compile(["gcc", "-O1", "-fPIC"], "large.c", text);
  const { status, stderr } = await slablink(["run", `--executor=${path}`, object]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^slablink: error: 5\d{7} bytes of static thread-local storage do not fit the executor's own threads, whose stacks have room for \d+; use slablink's executor/,
  );
});

test("a script that starts LLVM's executor, and one that starts slablink's", async (t) => {
  const { path } = executors[0]!;
  if (!has(t, path)) return;
  const { chmodSync, writeFileSync } = await import("node:fs");
  const { freshDirectory } = await import("../support/workspace.ts");
  const object = await compile(["gcc", "-O1"], "nine.c", "int main(void) { return 9; }");
  for (const executor of [path, join(packageRoot, "executor/build/slablink-executor")]) {
    const script = join(freshDirectory(), "executor");
    writeFileSync(script, `#!/bin/sh\nexec ${executor} "$@"\n`);
    chmodSync(script, 0o755);
    assert.deepEqual(await slablink(["run", `--executor=${script}`, object]), { status: 9, stdout: "", stderr: "" });
  }
});

/** Whether a process goes on: one that has ended and that nobody has asked for does not. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
