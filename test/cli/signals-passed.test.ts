import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Outcome, run } from "../support/process.ts";
import { modes, modesUnderTest, runIn } from "../support/slablink.ts";
import { objectOf } from "../support/source.ts";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";

/** Reports each signal it gets, and ends with status 3 after SIGTERM. */
const reporter = `
  #define _GNU_SOURCE
  #include <signal.h>
  #include <stdio.h>
  #include <string.h>
  #include <unistd.h>
  static volatile sig_atomic_t seen[65];
  static void note(int number) { seen[number]++; }
  int main(void) {
    int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGTERM};
    for (int i = 0; i < 7; i++) signal(numbers[i], note);
    write(1, "ready\\n", 6);
    while (!seen[SIGTERM]) usleep(5000);
    usleep(100000);
    for (int i = 0; i < 7; i++) if (seen[numbers[i]]) printf("%s %d\\n", sigabbrev_np(numbers[i]), seen[numbers[i]]);
    return 3;
  }`;

/** Runs an object and sends it signals, a tenth of a second apart, once it says that it is ready. */
function withSignals(mode: keyof typeof modes, object: string, signals: NodeJS.Signals[]): Promise<Outcome> {
  return runIn(mode, [object], {
    detached: true,
    started: (child) => {
      child.stdout?.once("data", async () => {
        for (const signal of signals) {
          child.kill(signal);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
    },
  });
}

/** Executes a shell in its place that lives longer than an executor without a connection is left alone, unless SIGTERM ends it. */
const replaced = `
  #include <unistd.h>
  int main(int argc, char **argv) {
    return execlp("sh", "sh", "-c", argc > 1 ? "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done" :
      "sleep 2.5; exit 7", (char *)0);
  }`;

for (const mode of modesUnderTest) {
  test(`${mode}: a program that executes another one is waited for, and signals reach that`, async () => {
    const object = await objectOf(replaced);
    assert.deepEqual(await runIn(mode, [object]), { status: 7, stdout: "", stderr: "" });
    const options = {
      started: (child: ChildProcess) => void child.stdout?.once("data", () => child.kill("SIGTERM")),
    };
    assert.deepEqual(await runIn(mode, [object, "--", "wait"], options), { status: 9, stdout: "ready\n", stderr: "" });
  });

  test(`${mode}: signals reach the program, once each`, async () => {
    const object = await objectOf(reporter);
    const signals: NodeJS.Signals[] = [
      "SIGUSR1",
      "SIGUSR2",
      "SIGINT",
      "SIGUSR1",
      "SIGHUP",
      "SIGWINCH",
      "SIGQUIT",
      "SIGTERM",
    ];
    assert.deepEqual(await withSignals(mode, object, signals), {
      status: 3,
      stdout: "ready\nHUP 1\nINT 1\nQUIT 1\nUSR1 2\nUSR2 1\nWINCH 1\nTERM 1\n",
      stderr: "",
    });
  });

  test(`${mode}: a program without handlers dies of SIGTERM, and the status says so`, async () => {
    const object = await objectOf(`#include <unistd.h>\nint main(void) { write(1, "ready\\n", 6); for (;;) pause(); }`);
    const { status, stdout } = await withSignals(mode, object, ["SIGTERM"]);
    assert.deepEqual({ status, stdout }, { status: 143, stdout: "ready\n" });
  });
}

for (const mode of modesUnderTest.filter((each) => each !== "in-process")) {
  test(`${mode}: how a program died is said on standard error`, async () => {
    const object = await objectOf("int main(void) { return *(volatile int *)8; }");
    const { status, stderr } = await runIn(mode, [object]);
    assert.equal(status, 139);
    assert.match(stderr, /^slablink: program ended by SIGSEGV: it read from 0x8, where nothing is mapped$/m);
  });

  test(`${mode}: when slablink is killed, its executor goes too`, async () => {
    const object = await objectOf(`#include <unistd.h>\nint main(void) { write(1, "ready\\n", 6); for (;;) pause(); }`);
    assert.equal((await withSignals(mode, object, ["SIGKILL"])).status, 137);
  });

  test(`${mode}: a terminal stays a terminal, and its Ctrl-C arrives once`, async (t) => {
    if (!has(t, "script")) return;
    const object = await objectOf(`
      #include <signal.h>
      #include <stdio.h>
      #include <unistd.h>
      static volatile sig_atomic_t seen;
      static void note(int number) { seen += number == SIGINT; }
      int main(void) {
        signal(SIGINT, note);
        printf("%d%d%d ready\\n", isatty(0), isatty(1), isatty(2));
        fflush(stdout);
        while (!seen) usleep(5000);
        usleep(200000);
        printf("%d interrupt\\n", seen);
        return 4;
      }`);
    // exec: a shell that stays (dash, where $SHELL is not set) would get the Ctrl-C too, and its end would be what we see.
    const command = `exec "${process.execPath}" "${join(packageRoot, "bin/slablink")}" run ${modes[mode].join(" ")} "${object}"`;
    const { status, stdout } = await run("script", ["-qec", command, "/dev/null"], {
      keepStdin: true,
      started: (child) => {
        let text = "";
        child.stdout?.on("data", (chunk) => {
          text += chunk;
          if (text.includes("ready")) child.stdin?.end("\x03");
        });
      },
    });
    assert.equal(status, 4, stdout);
    assert.match(stdout, /111 ready\r\n/);
    assert.match(stdout, /1 interrupt\r\n/);
  });
}

test("no executor of a killed slablink is left from these tests", () => {
  const left = readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, "latin1").includes(`SLABLINK_TEST_MARK=${process.pid}.`)
      );
    } catch {
      return false;
    }
  });
  assert.deepEqual(left, []);
});
