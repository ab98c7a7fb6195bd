import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { compete } from "../../bench/compete.ts";
import type { Contestant } from "../../bench/contestant.ts";
import { contestants } from "../../bench/contestants.ts";
import type { Report } from "../../bench/report.ts";
import { absence } from "../../bench/requirements.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** As a user starts it. */
function bench(...words: string[]) {
  return spawnSync(process.execPath, [join(packageRoot, "bin/slablink"), "bench", ...words], { encoding: "utf8" });
}

test("every contestant, corners included, takes part in the small cases; what it costs and counts is reported", () => {
  const directory = freshDirectory();
  const files = { save: join(directory, "r.json"), markdown: join(directory, "r.md"), svg: join(directory, "r.svg") };
  const out = Object.entries(files).flatMap(([name, path]) => [`--${name}`, path]);
  const objects = 12;
  const words = ["--all", "--runs=1", "--phases", `--objects=${objects}`, "--json", ...out, "hello", "tiny-objects"];
  const { status, stdout, stderr } = bench(...words);
  assert.equal(status, 0, stderr);
  const report: Report = JSON.parse(stdout);
  assert.deepEqual(report, JSON.parse(readFileSync(files.save, "utf8")), "--save");
  assert.equal(report.runs, 1);
  assert.equal(report.machine.node, process.version);
  const missing = contestants.filter(({ requirements }) => absence(requirements) !== undefined);
  assert.ok(process.env.CI === undefined || missing.length === 0, `absent: ${missing.map(({ name }) => name)}`);
  const present = contestants.filter((each) => !missing.includes(each)).map(({ name }) => name);
  const sections = report.sections.map(({ name }) => name);
  assert.deepEqual(sections, ["hello", "tiny-objects"]);
  for (const { rows, failures, absent, phases, name } of report.sections) {
    assert.deepEqual(failures, []);
    assert.deepEqual(
      rows.map(({ contestant }) => contestant),
      present,
    );
    assert.equal(absent.length, missing.length);
    for (const row of rows) {
      for (const { lower, median, upper } of [row.wall, row.cpu]) {
        assert.ok(lower > 0 && lower === median && median === upper, `${row.contestant}: one round has one value`);
      }
      assert.ok(row.peak > 2 ** 20, `${row.contestant}: a process has a MiB`);
      assert.equal(
        row.wallRatio === undefined,
        missing.some((each) => each.name === report.baseline),
      );
      if (row.contestant === report.baseline) assert.deepEqual([row.wallRatio?.median, row.cpuRatio?.median], [1, 1]);
      assert.equal(row.executorCpu === undefined, row.contestant.includes("in-process"), row.contestant);
      assert.equal(row.requests === undefined, !row.contestant.startsWith("slablink"));
    }
    const requests = (contestant: string) => rows.find((row) => row.contestant === contestant)!.requests!;
    const count = name === "hello" ? 1 : objects;
    // A place for all, each object and what they share reserved and finalized, and what every link asks.
    assert.ok(requests("slablink per-object") >= 2 * count + 4, `${requests("slablink per-object")} requests`);
    assert.ok(requests("slablink") <= 6 && requests("slablink rpc") <= 6);
    assert.equal(requests("slablink in-process"), 0);
    const names = phases.map((phase) => phase.name);
    for (const phase of ["inputs", "fix up", "finalize", "link, total"]) assert.ok(names.includes(phase), phase);
  }

  const markdown = readFileSync(files.markdown, "utf8");
  for (const name of [...sections, ...present]) assert.ok(markdown.includes(name), `${name} in Markdown`);
  const svg = readFileSync(files.svg, "utf8");
  const shown = present.filter((name) => !name.includes("/"));
  for (const name of [...sections, ...shown]) assert.ok(svg.includes(`>${name}</text>`), `${name} in the chart`);
  assert.equal(svg.match(/<rect /g)?.length, 2 * shown.length * sections.length, "a bar for wall and one for CPU time");

  // The same from the saved report; text around the marks stays.
  const around = join(directory, "around.md");
  writeFileSync(around, `before\n${markdown.replace(/\| slablink \|/g, "| gone |")}after\n`);
  const again = bench("--from", files.save, "--markdown", around, "--svg", join(directory, "again.svg"));
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^hello: an empty C program$/m);
  assert.match(again.stdout, /^tiny-objects: 12 objects of one function each/m);
  assert.match(again.stdout, /^ {2}slablink per-object\/inline\/1 +[\d.]+ \([\d.]+–[\d.]+\)/m);
  assert.ok(again.stdout.includes(process.version), again.stdout);
  assert.equal(readFileSync(around, "utf8"), `before\n${markdown}after\n`);
  assert.equal(readFileSync(join(directory, "again.svg"), "utf8"), svg);
  const other = bench("--from", files.save, "--json", "--baseline", "slablink rpc");
  for (const { rows } of (JSON.parse(other.stdout) as Report).sections) {
    const [own, rpc] = ["slablink", "slablink rpc"].map((name) => rows.find((row) => row.contestant === name)!);
    assert.equal(rpc.wallRatio?.median, 1);
    assert.equal(own.wallRatio?.median, own.times.wall[0] / rpc.times.wall[0]);
  }
});

test("contestants and baseline can be chosen", () => {
  const { status, stdout, stderr } = bench("--runs=2", "--json", "--only=rpc", "--baseline", "slablink", "hello");
  assert.equal(status, 0, stderr);
  const [{ rows }] = (JSON.parse(stdout) as Report).sections;
  const names = rows.map(({ contestant }) => contestant);
  assert.deepEqual(names.slice(0, 2), ["slablink", "slablink rpc"]);
  assert.ok(
    names.slice(1).every((name) => name.includes("rpc")),
    names.join("; "),
  );
  assert.deepEqual(rows[0].wallRatio, { median: 1, lower: 1, upper: 1 });
});

test("ended by a signal, it leaves nothing behind", async () => {
  const room = freshDirectory();
  const words = [join(packageRoot, "bin/slablink"), "bench", "--runs=1000", "hello"];
  const child = spawn(process.execPath, words, { env: { ...process.env, TMPDIR: room } });
  // It has begun when it has said where it measures.
  await once(child.stdout, "data");
  assert.equal(readdirSync(room).length, 1);
  child.kill("SIGTERM");
  const [status] = await once(child, "exit");
  assert.equal(status, 128 + 15);
  assert.deepEqual(readdirSync(room), []);
});

test("what does not exist or makes no sense is refused", () => {
  for (const [words, text] of [
    [["no-such-case"], /no case matches no-such-case; cases: hello/],
    [["--only=nobody"], /no contestant's name holds 'nobody'; cases: /],
    [["--baseline=nobody"], /no contestant is called 'nobody'; there are slablink; /],
    [["--runs=0"], /--runs 0: expected a whole number from 1 to 1000/],
    [["--runs=2.5"], /--runs 2.5: expected/],
    [["--objects=2"], /--objects 2: expected a whole number from 3/],
    [["--from=/dev/null"], /JSON/],
    [["--frm=x"], /--frm/],
  ] as const) {
    const { status, stderr } = bench(...words);
    assert.equal(status, 1, words.join(" "));
    assert.match(stderr, text);
  }
  assert.match(bench("--list").stdout, /^cases: hello.*, llvm-archives.*\ncontestants: slablink; /);
  assert.match(bench("--help").stdout, /^slablink bench \[options\]/);
});

test("who fails says why, and the others go on; who finds another way says which", () => {
  const shell = (name: string, script: string, more: Partial<Contestant> = {}): Contestant => ({
    name,
    requirements: [],
    attempt: () => ({ commands: [["/bin/sh", "-c", script]], stdout: "out\n" }),
    ...more,
  });
  const program = { inputs: [], libraries: [], arguments: [], stdout: "out\n" };
  const stubborn = shell("finds a way", "echo 'cannot do this' >&2; exit 1", {
    retry: (_program, _directory, stderr) => {
      assert.match(stderr, /cannot do this/);
      return { commands: [["/bin/true"], ["/bin/echo", "out"]], stdout: "out\n", note: "in two steps" };
    },
  });
  const { results, failures } = compete(
    program,
    [
      shell("works", "echo out"),
      shell("fails", "echo some words; echo first >&2; echo an error: second >&2; exit 3"),
      shell("says something else", "echo other"),
      shell("dies", "kill -SEGV $$"),
      shell("hangs, and says so", "echo an error: stuck >&2; exec sleep 60"),
      shell("waits a", "exec sleep 60"),
      shell("waits b", "echo out"),
      stubborn,
    ],
    { rounds: 2, statisticsRuns: 1, limit: 1, directory: freshDirectory(), progress: () => {} },
  );
  assert.deepEqual(
    results.map(({ contestant, note, wall, executorCpu }) => [contestant.name, note, wall.length, executorCpu.length]),
    [
      ["works", undefined, 2, 0],
      ["finds a way", "in two steps", 2, 2],
    ],
  );
  assert.deepEqual(failures, [
    { contestant: "fails", reason: "status 3: an error: second" },
    { contestant: "says something else", reason: 'printed "other\\n", expected "out\\n"' },
    { contestant: "dies", reason: "status 139" },
    { contestant: "hangs, and says so", reason: "an error: stuck, and no end after 1 s" },
    { contestant: "waits a", reason: "no end after 1 s" },
    { contestant: "waits b", reason: "not tried, as waits a did not end" },
  ]);
});
