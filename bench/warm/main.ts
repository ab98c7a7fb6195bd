// npm run bench:warm: what a link costs in a session that has linked the same program before, and whether anything stays behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Case, Program } from "../case.ts";
import { cpython } from "../cases/cpython.ts";
import { llvm } from "../cases/llvm.ts";
import { describeMachine } from "../machine.ts";
import { absence } from "../requirements.ts";
import { pairedRatio, summarize } from "../statistics.ts";
import { type JobsReport, measureJobs } from "./jobs.ts";
import {
  type LinkSample,
  linkRepeatedly,
  linkTogether,
  type TogetherReport,
  type TogetherSample,
  type WarmMode,
  warmModes,
} from "./links.ts";

/** Rounds of independent links; the first ones are those of a cold engine, which medians pass over. */
const ROUNDS = 7;

const usage = `Usage: npm run bench:warm -- [options]

Links CPython again and again in one session, each time into a fresh JITDylib that is removed afterwards; then many small objects; then
CPython, and LLVM's compiler, several times at once.

  --links N     links of CPython (20)
  --jobs N      small jobs, one after the other (10000; 0 leaves them out)
  --kept N      small jobs that stay linked (2000; 0 leaves them out)
  --together N  independent links, one after the other and all at once (2; 0 leaves them out)
  --mode M      executor, in-process or rpc (executor)
  --json        one JSON object instead of tables
  --help        this text
`;

const { values } = parseArgs({
  options: {
    links: { type: "string", default: "20" },
    jobs: { type: "string", default: "10000" },
    kept: { type: "string", default: "2000" },
    together: { type: "string", default: "2" },
    mode: { type: "string", default: "executor" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false, short: "h" },
  },
});
if (values.help) process.stdout.write(usage);
else {
  const mode = warmModes.find(({ name }) => name === values.mode);
  if (mode === undefined) throw new Error(`--mode ${values.mode}: expected executor, in-process or rpc`);
  const [links, jobs, kept, together] = [values.links, values.jobs, values.kept, values.together].map(Number);
  await main(mode, { links: links!, jobs: jobs!, kept: kept!, together: together! }, values.json);
}

/** How many there are of everything. */
interface Counts {
  readonly links: number;
  readonly jobs: number;
  readonly kept: number;
  readonly together: number;
}

async function main(mode: WarmMode, { links, jobs, kept, together }: Counts, json: boolean): Promise<void> {
  const machine = describeMachine();
  const lacking = absence(cpython.requirements);
  const samples =
    lacking === undefined ? await prepared(cpython, (program) => linkRepeatedly(mode, program, links)) : [];
  const removed = jobs > 0 ? await measureJobs(mode, jobs, true) : undefined;
  const staying = kept > 0 ? await measureJobs(mode, kept, false) : undefined;
  const atOnce = together > 0 ? await linksTogether(mode, together) : [];
  if (json) {
    console.log(JSON.stringify({ machine, mode: mode.name, samples, removed, staying, atOnce, lacking }, undefined, 2));
    return;
  }
  const { processor, cores, memoryGiB, distribution, node } = machine;
  console.log(`${processor}, ${cores} cores, ${memoryGiB} GiB; ${distribution}; Node ${node}; ${mode.name}`);
  if (lacking === undefined) printLinks(samples);
  else console.log(`left out: CPython ${lacking}`);
  if (removed !== undefined) printJobs("small jobs, each removed before the next", removed);
  if (staying !== undefined) printJobs("small jobs that stay", staying);
  for (const each of atOnce) {
    if ("absent" in each) console.log(`\nleft out: ${each.program} at once, ${each.absent}`);
    else printTogether(each);
  }
}

/** Of both programs, or what they lack. */
async function linksTogether(
  mode: WarmMode,
  count: number,
): Promise<(TogetherReport | { program: string; absent: string })[]> {
  const reports = [];
  for (const each of [cpython, llvm]) {
    const absent = absence(each.requirements);
    if (absent !== undefined) reports.push({ program: each.name, absent });
    else {
      const measure = (program: Program) => linkTogether(mode, each.name, program, { count, rounds: ROUNDS });
      reports.push(await prepared(each, measure));
    }
  }
  return reports;
}

/** Has a case's files while something is measured. */
async function prepared<T>(program: Case, measure: (program: Program) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "slablink-warm-"));
  try {
    return await measure(program.prepare(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function printTogether({ program, count, oneByOne, atOnce }: TogetherReport): void {
  console.log(`\n${program}, ${count} independent links: ms, medians of ${atOnce.length} rounds`);
  const row = (name: string, of: (sample: TogetherSample) => number): string[] => {
    const [before, now] = [oneByOne.map(of), atOnce.map(of)];
    const medians = [before, now].map((values) => summarize(values).median.toFixed(1));
    return [name, ...medians, pairedRatio(now, before).median.toFixed(2)];
  };
  printTable([["", "one by one", "at once", "ratio"], row("wall", ({ wall }) => wall), row("CPU", ({ cpu }) => cpu)]);
}

function printLinks(samples: readonly LinkSample[]): void {
  console.log("\nCPython, linked again in one session: ms");
  const shown = [1, 2, 3, 5, 10, 20, 50, 100, 200].filter((n) => n < samples.length);
  const chosen = [...shown, samples.length].map((n) => samples[n - 1]!);
  const names = [...new Set(samples.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  const phase = (name: string): string[] =>
    chosen.map(({ phases }) => phases.find((each) => each.name === name)?.milliseconds.toFixed(2) ?? "");
  const rows = [
    ["link", ...chosen.map(({ number }) => `${number}`)],
    ["total", ...chosen.map(({ milliseconds }) => milliseconds.toFixed(2))],
    ["CPU", ...chosen.map(({ cpu }) => cpu.toFixed(2))],
    ...names.map((name) => [`  ${name}`, ...phase(name)]),
    ["removal", ...chosen.map(({ removal }) => removal.toFixed(2))],
    ["requests", ...chosen.map(({ requests }) => `${requests}`)],
    ["memory, MiB", ...chosen.map(({ held }) => held.memory.toFixed(0))],
    ["descriptors", ...chosen.map(({ held }) => `${held.descriptors}`)],
    ["mappings", ...chosen.map(({ held }) => `${held.mappings}`)],
    ["executor's memory, MiB", ...chosen.map(({ executor }) => executor?.memory.toFixed(0) ?? "")],
    ["executor's descriptors", ...chosen.map(({ executor }) => `${executor?.descriptors ?? ""}`)],
    ["executor's mappings", ...chosen.map(({ executor }) => `${executor?.mappings ?? ""}`)],
  ];
  printTable(rows);
}

function printJobs(title: string, report: JobsReport): void {
  console.log(`\n${title}: ${report.jobs}, in tenths`);
  printTable([
    ["µs a job", ...report.parts.map(({ microseconds }) => microseconds.toFixed(0))],
    ["memory, MiB", ...report.parts.map(({ held }) => held.memory.toFixed(0))],
    ["descriptors", ...report.parts.map(({ held }) => `${held.descriptors}`)],
    ["mappings", ...report.parts.map(({ held }) => `${held.mappings}`)],
    ["executor's memory, MiB", ...report.parts.map(({ executor }) => executor?.memory.toFixed(0) ?? "")],
    ["executor's descriptors", ...report.parts.map(({ executor }) => `${executor?.descriptors ?? ""}`)],
    ["executor's mappings", ...report.parts.map(({ executor }) => `${executor?.mappings ?? ""}`)],
  ]);
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  for (const cells of rows) {
    console.log(
      `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`,
    );
  }
}
