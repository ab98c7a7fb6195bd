import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Outcome, run } from "../support/process.ts";
import { slablink } from "../support/slablink.ts";
import { objectOf } from "../support/source.ts";
import { packageRoot } from "../support/workspace.ts";

test("--version names the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  for (const words of [["--version"], ["version"]]) {
    assert.deepEqual(await slablink(words), { status: 0, stdout: `slablink ${version}\n`, stderr: "" });
  }
});

test("help goes to standard output, and is the same however it is asked for", async () => {
  const [overview, again] = await Promise.all([slablink(["--help"]), slablink(["help"])]);
  assert.equal(overview.status, 0);
  assert.match(overview.stdout, /slablink run \[options\] INPUT/);
  assert.deepEqual(again, overview);
  const [run, sameRun] = await Promise.all([slablink(["run", "--help"]), slablink(["help", "run"])]);
  assert.equal(run.status, 0);
  assert.deepEqual(sameRun, run);
  for (const option of [
    "--executor",
    "--in-process",
    "--memory",
    "--entry",
    "--argv0",
    "--abs",
    "--alias",
    "--stats",
  ]) {
    assert.ok(run.stdout.includes(option), option);
  }
});

test("a standard output that cannot be written is an error of one sentence", async () => {
  for (const words of ["run --help", "executor --print-path", "--version"]) {
    const { status, stderr } = await shell(`"$@" ${words} >/dev/full`);
    assert.equal(stderr, "slablink: error: standard output: cannot be written: no space left on device\n", words);
    assert.equal(status, 1);
  }
});

test("a standard error that cannot be written does not change the status", async () => {
  const program = await objectOf("int main(int argc, char **argv) { return argc > 1 ? *(volatile int *)8 : 6; }");
  for (const full of ["2>/dev/full", "2>&-"]) {
    for (const [words, expected] of [
      [`run ${program} -- crash`, 139],
      [`run --stats ${program}`, 6],
      [`run --in-process --stats ${program}`, 6],
      ["run /nowhere/a.o", 1],
      ["run --unheard-of", 2],
      ["", 2],
    ] as const) {
      const { status, stderr } = await shell(`"$@" ${words} ${full}`);
      assert.deepEqual({ status, stderr }, { status: expected, stderr: "" }, `${words} ${full}`);
    }
  }
});

/** Runs a command line in which "$@" is slablink; its status is the command's. */
function shell(line: string): Promise<Outcome> {
  return run("/bin/sh", ["-c", line, "sh", process.execPath, join(packageRoot, "bin/slablink")]);
}

test("without a command, usage goes to standard error and the status is 2", async () => {
  const { status, stdout, stderr } = await slablink([]);
  assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
  assert.match(stderr, /slablink run/);
});

test("a mistyped command or option has a hint, and status 2", async () => {
  assert.deepEqual(await slablink(["rnu", "a.o"]), {
    ...{ status: 2, stdout: "" },
    stderr: "slablink: error: unknown command 'rnu'; did you mean 'run'?; see `slablink --help`\n",
  });
  assert.deepEqual(await slablink(["run", "--entrie", "x", "a.o"]), {
    ...{ status: 2, stdout: "" },
    stderr: "slablink: error: unknown option '--entrie'; did you mean '--entry'?; see `slablink run --help`\n",
  });
  assert.equal((await slablink(["executor"])).status, 2);
  assert.equal((await slablink(["executor", "--print-path", "x"])).status, 2);
  assert.equal((await slablink(["help", "nothing"])).status, 2);
});
