import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { formatChart } from "../../bench/chart.ts";
import { formatMarkdown } from "../../bench/markdown.ts";
import type { Report, Row } from "../../bench/report.ts";

const once = (value: number) => ({ median: value, lower: value, upper: value });
const row = (contestant: string, wall: number, more: Partial<Row> = {}): Row => {
  const times = { wall: [wall], cpu: [wall / 2] };
  return { contestant, rounds: 1, wall: once(wall), cpu: once(wall / 2), peak: 5 * 2 ** 20, times, ...more };
};
const machine = { processor: "P & Q <x>", cores: 1, memoryGiB: 2, system: "s", distribution: "d", node: "v0" };
const report: Report = {
  machine,
  runs: 1,
  baseline: "peer",
  sections: [
    {
      ...{ name: "one", description: "the first", phases: [], absent: ["x: needs y (package z)"] },
      rows: [
        row("slablink", 10, { wallRatio: once(0.5), cpuRatio: once(0.25), requests: 4, bytes: 2048, mappings: 6 }),
        row("slablink rpc/inline/1", 12),
        row("peer", 1000, { note: "without a | b" }),
        row("third", 12),
      ],
      failures: [{ contestant: "broken", reason: "status 1: no `luck`" }],
    },
    { name: "two", description: "absent", rows: [], failures: [], phases: [], absent: ["two: needs f (package p)"] },
  ],
};

test("the chart is well-formed, cuts what is far longer than the rest, and marks what failed or is not the same work", () => {
  const svg = formatChart(report);
  const checked = spawnSync("python3", ["-c", "import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)"], {
    input: svg,
  });
  assert.equal(checked.status, 0, String(checked.stderr));
  assert.ok(svg.includes("P &#38; Q &#60;x&#62;"), "the machine, escaped");
  assert.ok(!svg.includes("inline/1") && !svg.includes(">two<"));
  const widths = [...svg.matchAll(/width="([\d.]+)" height="7"/g)].map((match) => Number(match[1]));
  assert.equal(widths.length, 3);
  assert.equal(Math.max(...widths), widths[1]);
  assert.ok(widths[1] < 10 * widths[0], "100 times as long would leave the others without a bar");
  assert.match(svg, />… 1000 \/ 500 \*<\/text>/);
  assert.match(svg, />broken<\/text>[\s\S]*>failed<\/text>/);
  assert.ok(svg.includes("prefers-color-scheme: dark"));
});

test("Markdown has the ratios at a glance, then each case with what was counted, remarks and absences", () => {
  const text = formatMarkdown(report);
  assert.match(text, /^\| slablink \| 0\.50 \/ 0\.25 \|$/m);
  assert.match(text, /^\| third \| 12 \/ 6 ms \|$/m);
  const [, cells] = /^\| slablink \| (10\.0 .*) \|$/m.exec(text)!;
  assert.deepEqual(cells.split(" | "), [
    ...["10.0 (10.0–10.0)", "0.50 (0.50–0.50)", "5.0 (5.0–5.0)", "0.25 (0.25–0.25)"],
    ...["", "", "4", "2.0 KiB", "6", "5.0 MiB"],
  ]);
  for (const line of [
    "* peer: without a | b.",
    "* broken failed: `status 1: no 'luck'`.",
    "* Left out: x: needs y (package z).",
    "* Left out: two: needs f (package p).",
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

test("targets are measured between whom they name, whatever the baseline", () => {
  const rows = [row("slablink", 10), row("llvm-jitlink shared", 4), row("slablink per-object", 20)];
  const section = { name: "cpython", description: "d", rows, failures: [], phases: [], absent: [] };
  const text = formatMarkdown({ ...report, sections: [section] });
  assert.match(
    text,
    /^\| cpython \| slablink \| llvm-jitlink shared \| ≤ 0\.5 \| 2\.50 \(2\.50–2\.50\) \| ≤ 0\.5 \| 2\.50 /m,
  );
  assert.match(text, /^\| cpython \| slablink \| slablink per-object \| ≤ 1 \| 0\.50 \(.*\) \| ≤ 0\.55 \| 0\.50 /m);
  assert.doesNotMatch(text, /hello/);
});
