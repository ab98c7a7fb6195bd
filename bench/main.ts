// npm run bench: whole processes, slablink and its peers in turn. README.md beside this file says how to read it.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "./case.ts";
import { cases } from "./cases.ts";
import { compete } from "./compete.ts";
import { baseline, contestants } from "./contestants.ts";
import { describeMachine } from "./machine.ts";
import { type BenchOptions, parseBenchOptions, usage } from "./options.ts";
import { measurePhases } from "./phases.ts";
import { formatHead, formatSection, type Report, rowsOf, type Section, skipped } from "./report.ts";
import { absence } from "./requirements.ts";

try {
  process.exitCode = main(parseBenchOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}

function main(options: BenchOptions): number {
  if (options.help) console.log(usage.trimEnd());
  else if (options.list) console.log(names());
  else return bench(options);
  return 0;
}

function bench(options: BenchOptions): number {
  const { filters, runs, json } = options;
  const chosen = cases.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  if (chosen.length === 0) throw new Error(`no case matches ${filters.join(", ")}; ${names()}`);
  const head = { machine: describeMachine(), runs, baseline: baseline.name };
  if (!json) process.stdout.write(formatHead(head));
  const workspace = mkdtempSync(join(tmpdir(), "slablink-bench-"));
  process.on("exit", () => rmSync(workspace, { recursive: true, force: true }));
  const sections: Section[] = [];
  for (const each of chosen) {
    const section = benchCase(each, options, join(workspace, each.name));
    sections.push(section);
    if (!json) process.stdout.write(formatSection(section));
  }
  const report: Report = { ...head, sections };
  if (json) console.log(JSON.stringify(report, undefined, 2));
  return 0;
}

function benchCase(each: Case, { runs, all, phases }: BenchOptions, directory: string): Section {
  const lacking = absence(each.requirements);
  if (lacking !== undefined) return skipped(each, lacking);
  mkdirSync(directory);
  const program = each.prepare(directory);
  const absent: string[] = [];
  const taking = contestants.filter(({ name, requirements, optional }) => {
    if (optional && !all) return false;
    const reason = absence(requirements);
    if (reason !== undefined) absent.push(`${name}: ${reason}`);
    return reason === undefined;
  });
  const { results, failures, disturbance } = compete(program, taking, runs, directory);
  return {
    name: each.name,
    description: each.description,
    rows: rowsOf(results),
    phases: phases ? measurePhases(program, runs, directory) : [],
    absent: [...absent, ...failures],
    disturbance,
  };
}

function names(): string {
  return [
    `cases: ${cases.map(({ name }) => name).join(", ")}`,
    `contestants: ${contestants.map(({ name }) => name).join("; ")}`,
  ].join("\n");
}
