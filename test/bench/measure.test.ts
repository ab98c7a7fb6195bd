import assert from "node:assert/strict";
import test from "node:test";
import { measure, measurePeak } from "../../bench/measure.ts";
import { pairedRatio, summarize } from "../../bench/statistics.ts";
import { freshDirectory } from "../support/workspace.ts";

const environment = { PATH: process.env.PATH ?? "" };

test("a run's CPU time includes children that nobody waited for, and its status is the shell's", () => {
  const directory = freshDirectory();
  const loop = "let i=0;const end=Date.now()+120;while(Date.now()<end)i++;";
  const orphan = `"$0" -e '${loop}' & exec "$0" -e 0`;
  const with_ = measure({ words: ["/bin/sh", "-c", orphan, process.execPath], environment }, directory);
  const without = measure({ words: ["/bin/sh", "-c", 'exec "$0" -e 0', process.execPath], environment }, directory);
  assert.equal(with_.status, 0);
  // The orphan is a whole Node more, and busy: its start alone is as much as all of the other run.
  assert.ok(with_.cpu > 1.3 * without.cpu, `${with_.cpu} ms of CPU time, without the orphan ${without.cpu} ms`);
  assert.ok(with_.orphansCpu > 0 && with_.orphansCpu < with_.cpu, "and its part of it is told apart");
  assert.equal(without.orphansCpu, 0);
  assert.equal(measure({ words: ["/bin/sh", "-c", "exit 7"], environment }, directory).status, 7);
  assert.equal(measure({ words: ["/bin/sh", "-c", "kill -SEGV $$"], environment }, directory).status, 139);
  const spoken = measure({ words: ["/bin/sh", "-c", "echo out; echo err >&2"], environment }, directory);
  assert.deepEqual([spoken.stdout, spoken.stderr], ["out\n", "err\n"]);
  assert.throws(() => measure({ words: ["/no/such/program"], environment }, directory), /errno 2$/);
});

test("peak memory is the command's, not what its maker had", () => {
  const directory = freshDirectory();
  const own = process.memoryUsage().rss;
  const small = measurePeak({ words: ["/bin/true"], environment }, directory);
  assert.ok(small > 2 ** 19 && small < own / 4, `${small} bytes for /bin/true, ${own} here`);
  const script = "Buffer.alloc(300 * 2 ** 20, 1)";
  const large = measurePeak(
    { words: ["/bin/sh", "-c", `"$0" -e '${script}'; :`, process.execPath], environment },
    directory,
  );
  assert.ok(large > 300 * 2 ** 20 && large < 600 * 2 ** 20, `${large} bytes for a process of 300 MiB and its shell`);
});

test("medians, quartiles and paired ratios", () => {
  assert.deepEqual(summarize([5, 1, 3, 2, 4]), { median: 3, lower: 2, upper: 4 });
  assert.deepEqual(summarize([1, 2]), { median: 1.5, lower: 1.25, upper: 1.75 });
  // A round that is slow for both does not count twice.
  assert.deepEqual(pairedRatio([1, 2, 100], [2, 4, 200]), { median: 0.5, lower: 0.5, upper: 0.5 });
  assert.throws(() => pairedRatio([1], [1, 2]), RangeError);
  assert.throws(() => summarize([]), RangeError);
});
