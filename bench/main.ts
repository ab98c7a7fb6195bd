// slablink bench, npm run bench: whole processes, slablink and its peers in turn. README.md beside this file says how to read it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "./case.ts";
import { cases } from "./cases.ts";
import { writeChart } from "./chart.ts";
import { compete } from "./compete.ts";
import type { Contestant } from "./contestant.ts";
import { contestantOf, contestants, DEFAULT_BASELINE, subject } from "./contestants.ts";
import { describeMachine } from "./machine.ts";
import { writeMarkdown } from "./markdown.ts";
import { type BenchOptions, parseBenchOptions, usage } from "./options.ts";
import { type Report, relate, rowsOf, type Section, skipped } from "./report.ts";
import { absence } from "./requirements.ts";
import { formatHead, formatSection } from "./text.ts";

/** Runs of `--stats=json` for what is counted, where nobody asks for phases. */
const FEW = 3;

try {
  main(parseBenchOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`slablink bench: ${(error as Error).message}`);
  process.exitCode = 1;
}

function main(options: BenchOptions): void {
  if (options.help || options.list) {
    console.log(options.help ? usage.trimEnd() : names());
    return;
  }
  const report = options.from === undefined ? bench(options) : readReport(options.from, options);
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
  if (options.save !== undefined) writeFileSync(options.save, `${JSON.stringify(report, undefined, 2)}\n`);
  if (options.markdown !== undefined) writeMarkdown(report, options.markdown);
  if (options.svg !== undefined) writeChart(report, options.svg);
}

/** Prints tables as they come, unless JSON is wanted. */
function bench(options: BenchOptions): Report {
  const { filters, runs, json, baseline = DEFAULT_BASELINE } = options;
  const chosen = cases.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  if (chosen.length === 0) throw new Error(`no case matches ${filters.join(", ")}; ${names()}`);
  const taking = choose(options);
  const head = { machine: describeMachine(), runs, baseline };
  if (!json) process.stdout.write(formatHead(head));
  const workspace = mkdtempSync(join(tmpdir(), "slablink-bench-"));
  process.on("exit", () => rmSync(workspace, { recursive: true, force: true }));
  const sections: Section[] = [];
  for (const each of chosen) {
    const directory = join(workspace, each.name);
    const section = benchCase(each, taking, options, directory);
    rmSync(directory, { recursive: true, force: true });
    sections.push(section);
    if (!json) process.stdout.write(formatSection(section));
  }
  return { ...head, sections };
}

function benchCase(each: Case, taking: readonly Contestant[], options: BenchOptions, directory: string): Section {
  const { runs, phases, baseline = DEFAULT_BASELINE, objects } = options;
  const lacking = absence(each.requirements);
  if (lacking !== undefined) return skipped(each, lacking);
  mkdirSync(directory);
  progress(`${each.name}: making its inputs`);
  const program = each.prepare(directory, { objects });
  const absent: string[] = [];
  const present = taking.filter(({ name, requirements }) => {
    const reason = absence(requirements);
    if (reason !== undefined) absent.push(`${name}: ${reason}`);
    return reason === undefined;
  });
  const competition = compete(program, present, {
    rounds: runs,
    statisticsRuns: phases ? runs : Math.min(runs, FEW),
    directory,
    progress: (what) => progress(`${each.name}: ${what}`),
  });
  progress("");
  const { results, failures, disturbance } = competition;
  const own = results.find(({ contestant }) => contestant === subject);
  return {
    name: each.name,
    description: program.description ?? each.description,
    rows: rowsOf(competition, baseline),
    failures,
    phases: phases ? (own?.counters?.phases ?? []) : [],
    absent,
    disturbance,
  };
}

/** Who takes part: the usual ones, all, or those asked for; in any case the baseline. */
function choose({ all, only, baseline = DEFAULT_BASELINE }: BenchOptions): Contestant[] {
  const against = contestantOf(baseline);
  const wanted = ({ name, optional }: Contestant): boolean => {
    return only.length > 0 ? only.some((text) => name.includes(text)) : all || optional !== true;
  };
  const chosen = contestants.filter((each) => each === against || wanted(each));
  const none = only.find((text) => !contestants.some(({ name }) => name.includes(text)));
  if (none !== undefined) throw new Error(`no contestant's name holds '${none}'; ${names()}`);
  return chosen;
}

/** A report that --save has written, related to another baseline if one is named. Prints its tables. */
function readReport(path: string, { json, baseline }: BenchOptions): Report {
  const saved = JSON.parse(readFileSync(path, "utf8")) as Report;
  if (saved.machine === undefined || !Array.isArray(saved.sections)) throw new Error(`${path}: not a saved report`);
  const report = baseline === undefined ? saved : relate(saved, contestantOf(baseline).name);
  if (!json) process.stdout.write(formatHead(report) + report.sections.map(formatSection).join(""));
  return report;
}

/** One line on a terminal, which the next one replaces. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

function names(): string {
  const line = (name: string, lacking: string | undefined) => (lacking === undefined ? name : `${name} (${lacking})`);
  return [
    `cases: ${cases.map(({ name, requirements }) => line(name, absence(requirements))).join(", ")}`,
    `contestants: ${contestants.map(({ name, requirements }) => line(name, absence(requirements))).join("; ")}`,
  ].join("\n");
}
