// npm run bench:warm: what a link costs in a session that has linked the same program before, and whether anything stays behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpython } from "../cases/cpython.ts";
import { describeMachine } from "../machine.ts";
import { absence } from "../requirements.ts";
import { type JobsReport, measureJobs } from "./jobs.ts";
import { type LinkSample, linkRepeatedly, type WarmMode, warmModes } from "./links.ts";

const usage = `Usage: npm run bench:warm -- [options]

Links CPython again and again in one session, each time into a fresh JITDylib that is removed afterwards; then many small objects.

  --links N   links of CPython (20)
  --jobs N    small jobs, one after the other (10000; 0 leaves them out)
  --kept N    small jobs that stay linked (2000; 0 leaves them out)
  --mode M    executor, in-process or rpc (executor)
  --json      one JSON object instead of tables
  --help      this text
`;

const { values } = parseArgs({
  options: {
    links: { type: "string", default: "20" },
    jobs: { type: "string", default: "10000" },
    kept: { type: "string", default: "2000" },
    mode: { type: "string", default: "executor" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false, short: "h" },
  },
});
if (values.help) process.stdout.write(usage);
else {
  const mode = warmModes.find(({ name }) => name === values.mode);
  if (mode === undefined) throw new Error(`--mode ${values.mode}: expected executor, in-process or rpc`);
  await main(mode, [values.links, values.jobs, values.kept].map(Number) as [number, number, number], values.json);
}

async function main(mode: WarmMode, [links, jobs, kept]: [number, number, number], json: boolean): Promise<void> {
  const machine = describeMachine();
  const lacking = absence(cpython.requirements);
  const samples = lacking === undefined ? await cpythonLinks(mode, links) : [];
  const removed = jobs > 0 ? await measureJobs(mode, jobs, true) : undefined;
  const staying = kept > 0 ? await measureJobs(mode, kept, false) : undefined;
  if (json) {
    console.log(JSON.stringify({ machine, mode: mode.name, samples, removed, staying, lacking }, undefined, 2));
    return;
  }
  const { processor, cores, memoryGiB, distribution, node } = machine;
  console.log(`${processor}, ${cores} cores, ${memoryGiB} GiB; ${distribution}; Node ${node}; ${mode.name}`);
  if (lacking === undefined) printLinks(samples);
  else console.log(`left out: CPython ${lacking}`);
  if (removed !== undefined) printJobs("small jobs, each removed before the next", removed);
  if (staying !== undefined) printJobs("small jobs that stay", staying);
}

async function cpythonLinks(mode: WarmMode, count: number): Promise<LinkSample[]> {
  const directory = mkdtempSync(join(tmpdir(), "slablink-warm-"));
  try {
    return await linkRepeatedly(mode, cpython.prepare(directory), count);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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
