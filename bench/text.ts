import { columns, legend, machineLine, spread } from "./columns.ts";
import type { Report, Section } from "./report.ts";

/** The heading of the tables for people: the machine, and how to read the numbers. */
export function formatHead(head: Omit<Report, "sections">): string {
  return `${machineLine(head)}\n${legend(head)}\n`;
}

/** One case as a table. */
export function formatSection({ name, description, rows, failures, phases, absent, disturbance }: Section): string {
  const lines = [`\n${name}: ${description}`];
  if (rows.length > 0) {
    const titles = ["", ...columns.map(({ title }) => title)];
    lines.push(...table([titles, ...rows.map((row) => [row.contestant, ...columns.map(({ cell }) => cell(row))])]));
  }
  for (const { contestant, note, rounds } of rows) {
    if (note !== undefined) lines.push(`  ${contestant}: ${note}`);
    if (rounds < rows[0].rounds) lines.push(`  ${contestant}: ${rounds} rounds`);
  }
  for (const { contestant, reason } of failures) lines.push(`  ${contestant} failed: ${reason}`);
  for (const reason of absent) lines.push(`  left out: ${reason}`);
  if (phases.length > 0) {
    lines.push("  slablink's phases, ms");
    lines.push(...table(phases.map(({ name: phase, milliseconds }) => [phase, spread(milliseconds, 2)])));
  }
  if (disturbance !== undefined) lines.push(`  other processes used ${disturbance.toFixed(2)} of a core meanwhile`);
  return `${lines.join("\n")}\n`;
}

/** First column left, the others right, two spaces in front. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const aligned = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    return `  ${aligned.join("  ")}`.trimEnd();
  });
}
