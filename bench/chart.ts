import { writeFileSync } from "node:fs";
import { machineLine } from "./columns.ts";
import type { Report, Row, Section } from "./report.ts";

/** Sizes in pixels: two panels side by side, each with a column of names, one of bars, and room for the numbers. */
const PANEL = 410;
const NAMES = 150;
const BARS = 190;
const ROW = 17;
const TITLE = 26;
const GAP = 14;
const HEAD = 34;

/**
 * Colours for light and dark surroundings; what is slablink's stands out from its peers'. The picture is an image of its
 * own, so it asks the reader's system itself.
 */
const STYLE = `
text { font: 11px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 12px; } .quiet { fill: #59636e; } .own { font-weight: 600; }
.wall { fill: #8c959f; } .cpu { fill: #d1d9e0; } .own.wall { fill: #0969da; } .own.cpu { fill: #9ccbff; } .line { stroke: #59636e; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
  .wall { fill: #7d8590; } .cpu { fill: #3d444d; } .own.wall { fill: #4493f8; } .own.cpu { fill: #1f4f8f; } .line { stroke: #9198a1; }
}`;

/** Writes the report as a picture: a panel for each case, a bar for each of the usual contestants, wall over CPU time. */
export function writeChart(report: Report, path: string): void {
  writeFileSync(path, formatChart(report));
}

/** The picture as SVG. The corners of the experiment are left to the table. */
export function formatChart(report: Report): string {
  const sections = report.sections.filter(({ rows }) => rows.length > 0);
  const columns = Math.min(2, Math.max(1, sections.length));
  // Each panel goes below the shorter column.
  const heights = Array.from({ length: columns }, () => HEAD);
  const panels = sections.map((section) => {
    const column = heights.indexOf(Math.min(...heights));
    const y = heights[column];
    heights[column] += TITLE + ROW * (mainRows(section).length + failed(section).length) + GAP;
    return panel(section, column * PANEL, y);
  });
  const width = columns * PANEL;
  const height = Math.max(...heights) + 18;
  const marked = sections.some(({ rows }) => rows.some(({ note }) => note !== undefined));
  const footnote = marked ? "; * not the same work, see the table" : "";
  const title = "Link and run, whole processes: wall time (thick) and CPU time of all processes (thin), medians in ms";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>slablink and its peers: wall and CPU time</title>`,
    `<style>${STYLE}</style>`,
    text(0, 14, title, "title", width),
    ...panels.flat(),
    text(0, height - 5, `${machineLine(report)}; ${report.runs} rounds${footnote}`, "quiet", width),
    "</svg>\n",
  ].join("\n");
}

function panel(section: Section, x: number, y: number): string[] {
  const rows = mainRows(section);
  const longest = Math.max(...rows.map(({ wall, cpu }) => Math.max(wall.median, cpu.median)));
  // A peer that takes many times as long would leave no room for the others: it is cut, and its number says so.
  const times = rows.map(({ wall }) => wall.median).sort((a, b) => a - b);
  const most = Math.min(longest, 4 * times[times.length >> 1]);
  const scale = BARS / most;
  const out = [text(x, y + 13, section.name, "title", PANEL - GAP)];
  let at = y + TITLE - 6;
  for (const row of rows) {
    const own = row.contestant.startsWith("slablink") ? "own " : "";
    const [wall, cpu] = [row.wall.median, row.cpu.median].map((time) => Math.min(BARS, time * scale));
    out.push(text(x, at + 10, row.contestant, row.contestant === "slablink" ? "own" : "", NAMES - 6));
    out.push(`<rect class="${own}wall" x="${x + NAMES}" y="${at + 2}" width="${wall.toFixed(1)}" height="7" rx="1"/>`);
    out.push(`<rect class="${own}cpu" x="${x + NAMES}" y="${at + 9}" width="${cpu.toFixed(1)}" height="4" rx="1"/>`);
    const cut = Math.max(row.wall.median, row.cpu.median) > most ? "… " : "";
    const note = row.note === undefined ? "" : " *";
    out.push(text(x + NAMES + Math.max(wall, cpu) + 4, at + 11, `${cut}${label(row)}${note}`, "quiet"));
    at += ROW;
  }
  for (const name of failed(section)) {
    out.push(text(x, at + 10, name, "", NAMES - 6), text(x + NAMES, at + 10, "failed", "quiet"));
    at += ROW;
  }
  return out;
}

function label({ wall, cpu }: Row): string {
  const digits = (time: number): string => time.toFixed(time < 10 ? 1 : 0);
  return `${digits(wall.median)} / ${digits(cpu.median)}`;
}

function mainRows({ rows }: Section): Row[] {
  return rows.filter(({ contestant }) => isMain(contestant));
}

function failed({ failures }: Section): string[] {
  return failures.map(({ contestant }) => contestant).filter(isMain);
}

/** Corners have a slash in their names. */
function isMain(contestant: string): boolean {
  return !contestant.includes("/");
}

/** `room`: squeezed to it when an ordinary font would need more, at 6 pixels a character. */
function text(x: number, y: number, content: string, style: string, room = Number.POSITIVE_INFINITY): string {
  const escaped = content.replace(/[&<>]/g, (mark) => `&#${mark.charCodeAt(0)};`);
  const fit = 6 * content.length > room ? ` textLength="${room}" lengthAdjust="spacingAndGlyphs"` : "";
  return `<text x="${x.toFixed(0)}" y="${y}"${style === "" ? "" : ` class="${style}"`}${fit}>${escaped}</text>`;
}
