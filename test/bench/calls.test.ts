import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { contests } from "../../bench/calls/contests.ts";
import type { Outcome } from "../../bench/calls/run.ts";
import type { Summary } from "../../bench/statistics.ts";
import { run } from "../support/process.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** As a user starts it. */
const bench = (...words: string[]) => run(process.execPath, [join(packageRoot, "dist/bench/calls/main.js"), ...words]);

test("every contest of calls runs on both sides, and what it came to is reported", async (context) => {
  if (!has(context, "cc")) return;
  const markdown = join(freshDirectory(), "table.md");
  const [start, end] = [
    "<!-- bench:calls: what stands between these lines is written by `npm run bench:calls` -->",
    "<!-- bench:calls: end -->",
  ];
  writeFileSync(markdown, `before\n${start}\nold\n${end}\nafter\n`);
  const { status, stdout, stderr } = await bench("--rounds=2", "--time=1", "--json", `--markdown=${markdown}`);
  assert.equal(status, 0, stderr);
  const { machine, outcomes }: { machine: { node: string }; outcomes: Outcome[] } = JSON.parse(stdout);
  assert.equal(machine.node, process.version);
  assert.deepEqual(
    outcomes.map(({ contest }) => [contest.name, contest.against]),
    contests.map(({ name, against }) => [name, against]),
  );
  const isSummary = ({ lower, median, upper }: Summary) => lower > 0 && lower <= median && median <= upper;
  for (const { contest, own, peer, ratio } of outcomes) {
    assert.ok(isSummary(own), contest.name);
    assert.equal(peer === undefined, contest.against === "", contest.name);
    assert.ok(peer === undefined || (isSummary(peer) && isSummary(ratio!)), contest.name);
    assert.ok(contest.ratio === undefined || peer !== undefined, `${contest.name}: a ratio needs a peer`);
  }
  const text = readFileSync(markdown, "utf8");
  assert.match(text, /^before\n<!-- bench:calls[^\n]*\n\n[^\n]*2 rounds[^\n]*\n\n\| {2}\| slablink \|/);
  assert.match(text, /\n<!-- bench:calls: end -->\nafter\n$/);
  assert.ok(!text.includes("old"));
  for (const { name, against } of contests) assert.ok(text.includes(`| ${name} | `) && text.includes(against), name);
});

test("a name chooses contests, and one that nothing has is an error", async () => {
  const { stdout } = await bench("--list", "koffi");
  assert.deepEqual(stdout.split("\n").length, 2, stdout);
  assert.match(stdout, /^call in this process: koffi/);
  const { status, stderr } = await bench("no such contest");
  assert.equal(status, 1);
  assert.match(stderr, /no contest's name holds no such contest/);
});
