import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { measure } from "../../bench/measure.ts";
import type { Report } from "../../bench/report.ts";
import { pairedRatio, summarize } from "../../bench/statistics.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

const program = join(packageRoot, "dist/bench/main.js");

function bench(...words: string[]) {
  return spawnSync(process.execPath, [program, ...words], { encoding: "utf8" });
}

test("the benchmark runs its smallest case and reports every contestant", () => {
  const { status, stdout, stderr } = bench("--runs", "1", "--phases", "--json", "hello");
  assert.equal(status, 0, stderr);
  const report: Report = JSON.parse(stdout);
  assert.equal(report.runs, 1);
  assert.equal(report.machine.node, process.version);
  assert.deepEqual(
    report.sections.map(({ name }) => name),
    ["hello"],
  );
  const [{ rows, phases, absent }] = report.sections;
  assert.equal(rows[0].contestant, "slablink");
  assert.equal(rows.length + absent.length, 2, "slablink and its baseline, or why that is left out");
  for (const { wall, cpu, wallRatio, cpuRatio } of rows) {
    for (const summary of [wall, cpu]) assert.ok(summary.lower > 0 && summary.lower === summary.upper);
    assert.equal(wallRatio === undefined, absent.length > 0);
    assert.equal(cpuRatio === undefined, absent.length > 0);
  }
  const baseline = rows[1];
  if (baseline !== undefined) assert.equal(baseline.cpuRatio?.median, 1);
  const names = phases.map(({ name }) => name);
  for (const name of ["inputs", "fix up", "finalize", "link, total"]) assert.ok(names.includes(name), name);
});

test("tables for people name the case, the contestants and the machine", () => {
  const { status, stdout, stderr } = bench("--runs=1", "hello");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^hello: an empty C program$/m);
  assert.match(stdout, /^ {2}slablink +[\d.]+ +\([\d.]+–[\d.]+\)/m);
  assert.ok(stdout.includes(process.version), stdout);
});

test("a case that does not exist and a number of runs that makes no sense are refused", () => {
  for (const [words, text] of [
    [["no-such-case"], /no case matches no-such-case; cases: hello/],
    [["--runs=0"], /--runs 0: expected a whole number from 1/],
    [["--runs=2.5"], /--runs 2.5: expected/],
  ] as const) {
    const { status, stderr } = bench(...words);
    assert.equal(status, 1);
    assert.match(stderr, text);
  }
});

test("a run's CPU time includes children that nobody waited for, and its status is the shell's", () => {
  const directory = freshDirectory();
  const loop = "let i=0;const end=Date.now()+120;while(Date.now()<end)i++;";
  const orphan = `"$0" -e '${loop}' & exec "$0" -e 0`;
  const environment = { PATH: process.env.PATH ?? "" };
  const with_ = measure({ words: ["/bin/sh", "-c", orphan, process.execPath], environment }, directory);
  const without = measure({ words: ["/bin/sh", "-c", 'exec "$0" -e 0', process.execPath], environment }, directory);
  assert.equal(with_.status, 0);
  // The orphan is a whole Node more, and busy: its start alone is as much as all of the other run.
  assert.ok(with_.cpu > 1.3 * without.cpu, `${with_.cpu} ms of CPU time, without the orphan ${without.cpu} ms`);
  assert.equal(measure({ words: ["/bin/sh", "-c", "exit 7"], environment }, directory).status, 7);
  assert.equal(measure({ words: ["/bin/sh", "-c", "kill -SEGV $$"], environment }, directory).status, 139);
  const spoken = measure({ words: ["/bin/sh", "-c", "echo out; echo err >&2"], environment }, directory);
  assert.deepEqual([spoken.stdout, spoken.stderr], ["out\n", "err\n"]);
  assert.throws(() => measure({ words: ["/no/such/program"], environment }, directory), /errno 2$/);
});

test("medians, quartiles and paired ratios", () => {
  assert.deepEqual(summarize([5, 1, 3, 2, 4]), { median: 3, lower: 2, upper: 4 });
  assert.deepEqual(summarize([1, 2]), { median: 1.5, lower: 1.25, upper: 1.75 });
  // A round that is slow for both does not count twice.
  assert.deepEqual(pairedRatio([1, 2, 100], [2, 4, 200]), { median: 0.5, lower: 0.5, upper: 0.5 });
  assert.throws(() => pairedRatio([1], [1, 2]), RangeError);
  assert.throws(() => summarize([]), RangeError);
});
