import type { Case } from "./case.ts";
import type { Result } from "./compete.ts";
import { baseline } from "./contestants.ts";
import type { Machine } from "./machine.ts";
import type { Phase } from "./phases.ts";
import { pairedRatio, type Summary, summarize } from "./statistics.ts";

/** One contestant in one case: times in ms, and against the baseline (undefined when that did not take part). */
export interface Row {
  readonly contestant: string;
  readonly wall: Summary;
  readonly cpu: Summary;
  readonly wallRatio: Summary | undefined;
  readonly cpuRatio: Summary | undefined;
}

/** One case, measured; or why it, or some contestant, was not. */
export interface Section {
  readonly name: string;
  readonly description: string;
  readonly rows: readonly Row[];
  readonly phases: readonly Phase[];
  readonly absent: readonly string[];
  /** CPU time that others used meanwhile, as a part of one core; undefined where the system does not say. */
  readonly disturbance: number | undefined;
}

export interface Report {
  readonly machine: Machine;
  readonly runs: number;
  readonly baseline: string;
  readonly sections: readonly Section[];
}

export function rowsOf(results: readonly Result[]): Row[] {
  const against = results.find(({ contestant }) => contestant === baseline);
  return results.map((result) => ({
    contestant: result.contestant.name,
    wall: summarize(result.wall),
    cpu: summarize(result.cpu),
    wallRatio: against && pairedRatio(result.wall, against.wall),
    cpuRatio: against && pairedRatio(result.cpu, against.cpu),
  }));
}

/** A case of which nothing was measured. */
export function skipped({ name, description }: Case, reason: string): Section {
  return { name, description, rows: [], phases: [], absent: [`${name}: ${reason}`], disturbance: undefined };
}

/** The heading: the machine, and how to read the numbers. */
export function formatHead({ machine, runs, baseline: against }: Omit<Report, "sections">): string {
  const { processor, cores, memoryGiB, system, distribution, node } = machine;
  return (
    `${processor}, ${cores} cores, ${memoryGiB} GiB; ${distribution}, ${system}; Node ${node}\n` +
    `${runs} rounds; whole processes, medians in ms (quartiles); ratios are of each round, to ${against}\n`
  );
}

export function formatSection({ name, description, rows, phases, absent, disturbance }: Section): string {
  const lines = [`\n${name}: ${description}`];
  if (rows.length > 0) {
    lines.push(...table([["", "wall", "", "ratio", "", "CPU", "", "ratio", ""], ...rows.map(cellsOf)]));
  }
  if (phases.length > 0) {
    lines.push("  slablink's phases");
    lines.push(...table(phases.map(({ name: phase, milliseconds }) => [phase, ...cells(milliseconds, 2)])));
  }
  for (const reason of absent) lines.push(`  left out: ${reason}`);
  if (disturbance !== undefined) lines.push(`  other processes used ${disturbance.toFixed(2)} of a core meanwhile`);
  return `${lines.join("\n")}\n`;
}

function cellsOf({ contestant, wall, wallRatio, cpu, cpuRatio }: Row): string[] {
  return [contestant, ...cells(wall, 1), ...cells(wallRatio, 2), ...cells(cpu, 1), ...cells(cpuRatio, 2)];
}

function cells(summary: Summary | undefined, places: number): string[] {
  if (summary === undefined) return ["", ""];
  const { median, lower, upper } = summary;
  return [median.toFixed(places), `(${lower.toFixed(places)}–${upper.toFixed(places)})`];
}

/** First column left, the others right, two spaces in front. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const aligned = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    return `  ${aligned.join("  ")}`.trimEnd();
  });
}
