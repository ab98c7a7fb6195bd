import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeHeader, Opcode } from "../../src/epc/frame.ts";
import { SupervisedExecutor } from "../../src/epc/supervised.ts";
import { executorPath } from "../epc/executors.ts";
import { slablink } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";
import { checkStreams, checkWay, memoryBy, programObject, runBy } from "./program.ts";

const way = ["--executor-command", `${executorPath} --stdio`];

test("a command's standard input and output are the way to an executor", async () => {
  await checkWay(way);
  assert.equal(await memoryBy(way), "shared");
  tableRow(
    "ways in",
    "a command on this machine",
    "shared",
    "who may run it",
    "all streams, statuses and signals are the program's",
  );
});

test("a command, with contents in messages", () => checkStreams([...way, "--memory=rpc"]));

test("an executor in another PID namespace gets its contents by messages", async (t) => {
  if (!has(t, "unshare")) return;
  const apart = [
    "--executor-command",
    `unshare --user --map-root-user --pid --fork --kill-child --mount-proc ${executorPath} --stdio`,
  ];
  if (process.getuid!() === 0) apart[1] = apart[1]!.replace("--user --map-root-user ", "");
  assert.match(await memoryBy(apart), /^rpc \(the executor cannot open this process's memory: \/proc\/\d+\/fd\/\d+/);
  const { stdout, status } = await runBy(apart, ["x"]);
  assert.deepEqual([stdout, status], ["hello 2 x\n", 7]);
  const must = await runBy([...apart, "--memory=shared"], []);
  assert.equal(must.status, 1);
  assert.match(
    must.stderr,
    /^slablink: error: --memory=shared: the executor cannot open this process's memory \(.*\); leave it out\n$/,
  );
  tableRow(
    "ways in",
    "a command in another PID namespace",
    "rpc",
    "who may run it",
    "runs; --memory=shared is refused with the reason",
  );
});

test("commands that come to nothing are named with their ends", async () => {
  const object = await programObject();
  const outcomes: [string, RegExp][] = [
    ["exit 5", /^slablink: error: the command 'exit 5' ended with exit status 5 before an executor answered\n$/],
    ["kill -9 $$", /^slablink: error: the command 'kill -9 \$\$' was killed by SIGKILL before an executor answered\n$/],
    [
      "echo what a start-up file of the shell says; cat",
      /does not begin as an executor's: "what a start-up file of the shell says\\n"\n$/,
    ],
    [
      `echo a banner; exec ${executorPath} --stdio`,
      /^slablink: error: the stream does not begin as an executor's: "a banner\\n.*"\n$/,
    ],
    [
      "exec 1>&-; sleep 0.2",
      /^slablink: error: the command '.*' ended with exit status 0 before an executor answered\n$/,
    ],
  ];
  for (const [command, expected] of outcomes) {
    const { status, stderr } = await slablink(["run", "--executor-command", command, object]);
    assert.match(stderr, expected);
    assert.equal(status, 1);
  }
  const { status, stderr } = await slablink(["run", "--executor-command", "true", "--in-process", object]);
  assert.equal(status, 2);
  assert.match(stderr, /--in-process and --executor-command exclude each other: there is one executor/);
});

test("a stream that is no executor's is shown from its first byte, however it comes in", async () => {
  for (const size of [1, 7, 1000]) {
    const [readable, writable] = [new PassThrough(), new PassThrough()];
    const executor = new SupervisedExecutor({ readable, writable, explainLoss: async () => new Error("lost") });
    executor.listen({ receive: () => {}, end: () => {} });
    const stream = Buffer.concat([Buffer.from("banner\n"), encodeHeader(Opcode.setup, 0, 0, 100), Buffer.alloc(100)]);
    // Each piece is a chunk of its own.
    for (let at = 0; at < stream.length; at += size) readable.emit("data", stream.subarray(at, at + size));
    await assert.rejects(executor.ended, { message: /^the stream does not begin as an executor's: "banner\\n.*"$/ });
  }
});

test("an executor that does not carry streams is refused by what it lacks", async () => {
  const command = `${executorPath} filedescs=0,1`;
  const { status, stderr } = await slablink(["run", "--executor-command", command, await programObject()]);
  assert.equal(status, 1);
  assert.match(stderr, /the executor does not carry standard streams; start it as `slablink-executor --stdio`/);
});

test("a reader that goes away ends the program as it would here", async () => {
  const outcome = await runBy(way, ["count", "100000000"], {
    started: (child) => child.stdout?.once("data", () => child.stdout?.destroy()),
  });
  assert.equal(outcome.status, 141);
  assert.match(outcome.stderr, /program ended by SIGPIPE/);
});

test("a program that does not read its input ends, whatever that holds", async () => {
  const { status, stdout } = await runBy(way, ["exit", "6"], { stdin: "x".repeat(5_000_000) });
  assert.deepEqual([status, stdout], [6, ""]);
});

test("a reader that is slow holds the program up and loses nothing", async () => {
  const { stdout, status } = await runBy(way, ["count", "400000"], {
    started: (child) => {
      child.stdout?.pause();
      setTimeout(() => child.stdout?.resume(), 1500);
    },
  });
  assert.deepEqual([stdout.length, stdout.slice(-10), status], [4_000_000, "000399999\n", 0]);
});

test("what a program leaves behind with its streams does not hold up its end", async () => {
  const begin = Date.now();
  const { stdout, status } = await runBy(["--executor-command", `${executorPath} --stdio`], ["leave"], {
    env: { SLABLINK_TEST_LEAVES: "1" },
    timeout: 30_000,
  }).catch((error) => {
    // The child that sleeps for three seconds is the program's, and has our mark.
    if (!/something was left behind/.test(String(error))) throw error;
    return { stdout: "left\n", status: 0 };
  });
  assert.deepEqual([stdout, status], ["left\n", 0]);
  assert.ok(Date.now() - begin < 20_000);
});

test("what only a start can give is said to need a local executor", async () => {
  const { compile } = await import("../support/compile.ts");
  const tls = "static _Thread_local char big[3000000]; int main(void) { return big[5]; }";
  const object = await compile(["gcc", "-O0", "-fPIC"], "tls.c", tls);
  const { status, stderr } = await slablink(["run", ...way, object]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /; an executor that slablink starts itself, without --executor-command or --connect, is started so that it has that\n$/,
  );
});

/** Processes of the executor's program that hold this mark. */
function executorsWith(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
        return environment.includes(mark) && readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(executorPath);
      } catch {
        return false;
      }
    });
}

async function untilReady(child: ChildProcess): Promise<void> {
  await new Promise((resolve) => child.stdout!.once("data", resolve));
}

for (const victim of ["controller", "supervisor"] as const) {
  test(`nothing lives on when the ${victim} is killed`, async () => {
    const mark = `killed-${victim}-${process.pid}`;
    const words = [join(packageRoot, "bin/slablink"), "run", ...way, await programObject(), "--", "wait"];
    const child = spawn(process.execPath, words, {
      env: { ...process.env, MARK: mark },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    await untilReady(child);
    const executors = executorsWith(mark);
    assert.equal(executors.length, 2, "supervisor and executor");
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    if (victim === "controller") child.kill("SIGKILL");
    else process.kill(Math.min(...executors), "SIGKILL");
    const status = await ended;
    if (victim === "supervisor") {
      assert.equal(status, 1);
      assert.match(
        errors,
        /the connection to the executor was lost before it said how it ended: the command '.*' (was killed by SIGKILL|ended with exit status 137)/,
      );
    }
    for (const end = Date.now() + 5000; executorsWith(mark).length > 0 && Date.now() < end; ) await sleep(20);
    assert.deepEqual(executorsWith(mark), []);
  });
}
