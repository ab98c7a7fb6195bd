import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { formatStats, processorTime } from "../../cli/stats.ts";
import type { LinkStats } from "../../src/orc/run-request.ts";

const stats: LinkStats = {
  phases: [
    { name: "read", milliseconds: 1.25 },
    { name: "fix up", milliseconds: 2.5 },
  ],
  ...{ objects: 177, archives: 1, sections: 3156, symbols: 35292, relocations: 143327, bytesCopied: 6_847_201 },
  ...{ requests: 3, bytesSent: 1000, bytesReceived: 2000, mappings: 8, protectionChanges: 0, externals: 513 },
  slab: { address: 0x50000000, size: 256 * 1024 ** 2, used: 8 * 1024 ** 2 },
  libraries: ["/lib/libm.so.6", "/lib/libz.so.1"],
};

test("the line is one line with the time and the counts", () => {
  assert.equal(
    formatStats(stats, "line"),
    "slablink: linked 177 objects (143,327 relocations, 6.5 MiB) in 3.8 ms with 3 requests\n",
  );
});

test("JSON is one line that holds everything, and the total", () => {
  const text = formatStats(stats, "json");
  assert.equal(text.indexOf("\n"), text.length - 1);
  assert.deepEqual(JSON.parse(text), { ...stats, milliseconds: 3.75 });
});

test("the processor time of both processes, in table and JSON, where it is known", () => {
  const cpu = { controller: 12.5, executor: 0.25 };
  assert.deepEqual(JSON.parse(formatStats({ ...stats, cpu }, "json")).cpu, cpu);
  const table = formatStats({ ...stats, cpu }, "table");
  assert.match(table, /^slablink: CPU, controller +12\.50 ms$/m);
  assert.match(table, /^slablink: CPU, executor +0\.25 ms$/m);
  assert.doesNotMatch(formatStats({ ...stats, cpu: { controller: 1 } }, "table"), /CPU, executor/);
  assert.deepEqual(Object.keys(processorTime("in-process")), ["controller"]);
  const before = processorTime("executor");
  spawnSync("/bin/sh", ["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]);
  const after = processorTime("executor");
  assert.ok(after.executor! - before.executor! > 1 && before.controller > 1);
});

test("the table has a row for each number", () => {
  const text = formatStats(stats, "table");
  for (const part of [
    "read",
    "fix up",
    "3.75 ms",
    "35,292",
    "0x50000000, 8.0 MiB of 256.0 MiB used",
    "/lib/libz.so.1",
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.split("\n").every((line) => line === "" || line.startsWith("slablink: ")));
});

test("singular and small numbers", () => {
  const one = { ...stats, objects: 1, relocations: 1, bytesCopied: 1, requests: 1 };
  assert.match(formatStats(one, "line"), /linked 1 object \(1 relocation, 1 byte\) in .* with 1 request\n/);
});
