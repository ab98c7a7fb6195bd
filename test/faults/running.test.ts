import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { test } from "node:test";
import type { Outcome } from "../support/process.ts";
import { slablinkAt } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";
import { program } from "./programs.ts";
import { limitNow } from "./relay.ts";

const WAYS = { shared: "--memory=shared", rpc: "--memory=rpc" } as const;
const SIGKILL = 137;

/**
 * Runs a program until it has said its process's number, and lets `fault` happen then; fails if slablink goes on for too long. A second
 * number is a child of the program's, which is to be there when slablink has ended.
 */
async function whileItRuns(
  words: readonly string[],
  fault: (controller: ChildProcess, executor: number) => void,
): Promise<Outcome> {
  let at = 0;
  let ended = 0;
  const outcome = await slablinkAt(
    packageRoot,
    ["run", ...words],
    {
      started: (child) => {
        child.stdout?.once("data", (text: Buffer) => {
          at = performance.now();
          const [executor, grandchild] = text.toString().trim().split(" ").map(Number);
          const late = setTimeout(endGrandchild, 2 * limitNow(), grandchild);
          child.once("exit", () => {
            ended = performance.now();
            clearTimeout(late);
            endGrandchild(grandchild);
          });
          fault(child, executor);
        });
      },
    },
    /slablink/,
  );
  assert.ok(at > 0, `the program has not begun: ${outcome.stderr}`);
  assert.ok(ended - at < limitNow(), `ended ${ended - at} ms after its fault, more than ${limitNow()}`);
  return outcome;
}

function endGrandchild(pid: number | undefined): void {
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

const killController = (controller: ChildProcess) => void controller.kill("SIGKILL");
const killExecutor = (_: ChildProcess, executor: number) => void process.kill(executor, "SIGKILL");

const programs = [
  ["spins", "main spins"],
  ["spinsWithThreads", "main and three threads spin, all signals blocked"],
  ["clings", "main waits, with signals ignored, in a session of its own, not to end with its parent"],
  ["stops", "the program has stopped itself"],
  ["exits", "an exit handler waits"],
  ["executes", "the program has executed another one"],
] as const;

for (const [way, option] of Object.entries(WAYS)) {
  for (const [name, what] of programs) {
    test(`${way}: kill -9 of either side while ${what}`, async (t) => {
      if (!has(t, "cc")) return;
      const words = [option, await program(name)];
      const executor = await whileItRuns(words, killExecutor);
      assert.deepEqual([executor.status, executor.stderr], [SIGKILL, "slablink: program ended by SIGKILL\n"]);
      const controller = await whileItRuns(words, killController);
      assert.deepEqual([controller.status, controller.stderr], [SIGKILL, ""]);
      tableRow("faults", `executor killed (${way})`, what, "137", "`program ended by SIGKILL`", "nothing");
      tableRow("faults", `controller killed (${way})`, what, "137", "–", "nothing");
    });
  }

  test(`${way}: children that the program has forked are its own, and hold up nobody`, async (t) => {
    if (!has(t, "cc")) return;
    for (const fork of ["fork()", "_Fork()"]) {
      const words = [option, await program("forks", `-DFORK=${fork}`)];
      const executor = await whileItRuns(words, killExecutor);
      assert.deepEqual([executor.status, executor.stderr], [SIGKILL, "slablink: program ended by SIGKILL\n"], fork);
      const controller = await whileItRuns(words, killController);
      assert.equal(controller.status, SIGKILL, fork);
    }
    const what = "the program has a child of its own (fork, _Fork)";
    tableRow(
      "faults",
      `executor killed (${way})`,
      what,
      "137",
      "`program ended by SIGKILL`",
      "that child, which is the program's",
    );
  });
}

test("a stopped controller does not hold up the program, and says its end later", async (t) => {
  if (!has(t, "cc")) return;
  const words = ["--memory=shared", await program("spins")];
  const outcome = await whileItRuns(words, (controller, executor) => {
    controller.kill("SIGSTOP");
    setTimeout(() => process.kill(executor, "SIGTERM"), 50);
    setTimeout(() => controller.kill("SIGCONT"), 300);
  });
  assert.deepEqual([outcome.status, outcome.stderr], [143, "slablink: program ended by SIGTERM\n"]);
});
