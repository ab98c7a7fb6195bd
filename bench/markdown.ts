import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { columns, legend, machineLine, spread } from "./columns.ts";
import type { Report, Row, Section } from "./report.ts";
import { measuredTargets } from "./targets.ts";

const begin = "<!-- bench: what stands between these lines is written by `slablink bench --markdown` -->";
const end = "<!-- bench: end -->";

/** The report as Markdown: ratios at a glance, then a table for each case. */
export function formatMarkdown(report: Report): string {
  const parts = [
    `${machineLine(report)}. ${capital(legend(report))}.`,
    ...targetTable(report),
    overview(report),
    ...report.sections.map(sectionOf),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Into `path`: between its two marks if it has them, else as the whole file. */
export function writeMarkdown(report: Report, path: string): void {
  const text = `${begin}\n\n${formatMarkdown(report)}\n${end}\n`;
  const old = existsSync(path) ? readFileSync(path, "utf8") : "";
  const from = old.indexOf(begin);
  const to = old.indexOf(`${end}\n`, from);
  const whole = from < 0 || to < 0 ? text : old.slice(0, from) + text + old.slice(to + end.length + 1);
  writeFileSync(path, whole);
}

/** What was aimed at, and what was reached; nothing when none of it was measured. */
function targetTable(report: Report): string[] {
  const measured = measuredTargets(report);
  if (measured.length === 0) return [];
  const rows = measured.map(({ target, wall, cpu }) => {
    const { contestant, against } = target;
    const cells = [target.case, contestant, against, `≤ ${target.wall}`, spread(wall, 2)];
    return line([...cells, target.cpu === undefined ? "" : `≤ ${target.cpu}`, spread(cpu, 2)]);
  });
  const head = line(["case", "", "against", "wall, target", "measured", "CPU, target", "measured"]);
  return [
    ["Targets, ratios of each round:", "", head, line(["---", "---", "---", "--:", "--:", "--:", "--:"]), ...rows].join(
      "\n",
    ),
  ];
}

/** Wall and CPU ratio of every contestant that is in more than one case, or in the only one. */
function overview({ sections, baseline }: Report): string {
  const measured = sections.filter(({ rows }) => rows.length > 0);
  const names = [...new Set(measured.flatMap(({ rows }) => rows.map(({ contestant }) => contestant)))];
  const cellOf = (name: string, section: Section): string => {
    const row = section.rows.find(({ contestant }) => contestant === name);
    if (row !== undefined) return ratios(row);
    return section.failures.some(({ contestant }) => contestant === name) ? "failed" : "–";
  };
  const main = names.filter((name) => !name.includes("/"));
  return [
    `Wall / CPU relative to ${baseline}:`,
    "",
    line(["", ...measured.map(({ name }) => name)]),
    line(["---", ...measured.map(() => "--:")]),
    ...main.map((name) => line([name, ...measured.map((section) => cellOf(name, section))])),
  ].join("\n");
}

function ratios({ wallRatio, cpuRatio, wall, cpu }: Row): string {
  if (wallRatio === undefined || cpuRatio === undefined) {
    return `${wall.median.toFixed(0)} / ${cpu.median.toFixed(0)} ms`;
  }
  return `${wallRatio.median.toFixed(2)} / ${cpuRatio.median.toFixed(2)}`;
}

function sectionOf({ name, description, rows, failures, absent, disturbance }: Section): string {
  const lines = [`### ${name}`, "", `${capital(description)}.`];
  if (rows.length > 0) {
    lines.push("", line(["", ...columns.map(({ title }) => title)]), line(["---", ...columns.map(() => "--:")]));
    for (const row of rows) lines.push(line([row.contestant, ...columns.map(({ cell }) => cell(row))]));
  }
  const remarks = [
    ...rows.flatMap(({ contestant, note }) => (note === undefined ? [] : [`${contestant}: ${note}.`])),
    ...rows
      .filter(({ rounds }) => rounds < rows[0].rounds)
      .map(({ contestant, rounds }) => `${contestant}: ${rounds} rounds.`),
    ...failures.map(({ contestant, reason }) => `${contestant} failed: \`${reason.replaceAll("`", "'")}\`.`),
    ...absent.map((reason) => `Left out: ${reason}.`),
    ...(disturbance === undefined ? [] : [`Other processes used ${disturbance.toFixed(2)} of a core meanwhile.`]),
  ];
  if (remarks.length > 0) lines.push("", ...remarks.map((remark) => `* ${remark}`));
  return lines.join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
