import type { Point } from "./run.ts";

/** One size of a shape. */
export interface Measured {
  readonly size: number;
  readonly units: number;
  readonly slablink: Point;
  readonly lld: Point | undefined;
}

/** How a value grew from one size to the next: the e in size ↦ value ~ size^e. 1 is linear, 2 quadratic. */
export function exponent(before: number, after: number, unitsBefore: number, unitsAfter: number): number {
  return Math.log(after / before) / Math.log(unitsAfter / unitsBefore);
}

/** What was measured of a shape, as JSON has it. */
export interface Curve {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly points: readonly Measured[];
  /** Why it was left out or not gone through to the end. */
  readonly trouble: string | undefined;
}

/** The table of a curve: time in ms, per unit in µs; exponents against the size before. */
export function formatCurve({ name, description, unit, points, trouble }: Curve, phases: boolean): string {
  const lines = [`\n${name}: ${description}`];
  if (points.length > 0) {
    const head = [plural(unit), "link ms", "µs each", "growth", "CPU ms", "growth", "peak MiB", "ld.lld ms", "growth"];
    lines.push(...table([head, ...points.map((point, i) => row(point, points[i - 1]))]));
  }
  if (phases && points.length > 1 && points.at(-1)!.slablink.phases.length > 0)
    lines.push(...phaseGrowth(points.at(-2)!, points.at(-1)!));
  if (trouble !== undefined) lines.push(`  ${trouble}`);
  return `${lines.join("\n")}\n`;
}

function plural(unit: string): string {
  return unit.startsWith("M") ? unit : unit.replace(/y?$/, (end) => (end === "y" ? "ies" : "s"));
}

function row({ units, slablink, lld }: Measured, before: Measured | undefined): string[] {
  const growth = (after: number, earlier: number | undefined): string =>
    before === undefined || earlier === undefined ? "" : exponent(earlier, after, before.units, units).toFixed(2);
  return [
    `${units}`,
    slablink.link.toFixed(0),
    ((1000 * slablink.link) / units).toPrecision(3),
    growth(slablink.link, before?.slablink.link),
    slablink.cpu.toFixed(0),
    growth(slablink.cpu, before?.slablink.cpu),
    slablink.peak.toFixed(0),
    lld === undefined ? "" : lld.link.toFixed(0),
    lld === undefined ? "" : growth(lld.link, before?.lld?.link),
  ];
}

function phaseGrowth(before: Measured, after: Measured): string[] {
  const earlier = new Map(before.slablink.phases.map(({ name, milliseconds }) => [name, milliseconds]));
  const rows = after.slablink.phases.map(({ name, milliseconds }) => {
    const known = earlier.get(name) ?? Number.NaN;
    return [`  ${name}`, milliseconds.toFixed(1), exponent(known, milliseconds, before.units, after.units).toFixed(2)];
  });
  return table(rows);
}

/** First column left, the others right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) => {
    const aligned = cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
    return `  ${aligned.join("  ")}`.trimEnd();
  });
}
