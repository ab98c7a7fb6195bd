import { spread } from "../columns.ts";
import type { Machine } from "../machine.ts";
import type { Summary } from "../statistics.ts";
import type { Outcome } from "./run.ts";

/** One line: where, and how often. */
export function headOf({ processor, cores, memoryGiB, distribution, system, node }: Machine, rounds: number): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB; ${distribution}, ${system}; Node ${node}. ${rounds} rounds in turn; medians (quartiles); ratios are of each round.`;
}

const titles = ["", "slablink", "against", "", "ratio", "target"];

/** The rows as text for a terminal: one line for each, the peer below it. */
export function textOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const [name, own, against, peer, ratio, target] = cellsOf(outcome);
    return [name, own, ratio, target, against === "" ? "" : `${against}: ${peer}`];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 || i === 4 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i]!))).join("  "),
  );
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** The same as a table in Markdown. */
export function markdownOf(outcomes: readonly Outcome[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return (
    line(titles) +
    line(["---", "--:", "---", "--:", "--:", "--:"]) +
    outcomes.map((each) => line(cellsOf(each))).join("")
  );
}

function cellsOf({ contest, own, peer, ratio }: Outcome): string[] {
  const { name, against, limit } = contest;
  const targets = [
    ...(contest.ratio === undefined ? [] : [`≤ ${contest.ratio}`]),
    ...(limit === undefined ? [] : [`≤ ${limit} ms`]),
  ];
  return [
    name,
    time(own),
    against,
    time(peer),
    ratio === undefined ? "" : spread(ratio, places(ratio)),
    targets.join(", "),
  ];
}

function places({ median }: Summary): number {
  return median < 0.1 ? 4 : median < 1 ? 3 : 2;
}

/** In the unit that leaves one to three digits before the point. */
function time(summary: Summary | undefined): string {
  if (summary === undefined) return "";
  const [unit, size] = summary.median < 1e3 ? ["ns", 1] : summary.median < 1e6 ? ["µs", 1e3] : ["ms", 1e6];
  const { median, lower, upper } = summary;
  const scaled = {
    median: median / (size as number),
    lower: lower / (size as number),
    upper: upper / (size as number),
  };
  return `${spread(scaled, scaled.median < 10 ? 2 : 1)} ${unit}`;
}
