import type { Report, Row } from "./report.ts";
import type { Summary } from "./statistics.ts";

/** The columns of the table, as people read it. */
export const columns: readonly { readonly title: string; cell(row: Row): string }[] = [
  { title: "wall, ms", cell: ({ wall }) => spread(wall) },
  { title: "ratio", cell: ({ wallRatio }) => spread(wallRatio, 2) },
  { title: "CPU, ms", cell: ({ cpu }) => spread(cpu) },
  { title: "ratio", cell: ({ cpuRatio }) => spread(cpuRatio, 2) },
  { title: "controller", cell: ({ controllerCpu }) => median(controllerCpu) },
  { title: "executor", cell: ({ executorCpu }) => median(executorCpu) },
  { title: "requests", cell: ({ requests }) => count(requests) },
  { title: "socket", cell: ({ bytes }) => size(bytes) },
  { title: "mappings", cell: ({ mappings }) => count(mappings) },
  { title: "peak", cell: ({ peak }) => size(peak) },
];

/** The median, and in parentheses the quartiles. */
export function spread(summary: Summary | undefined, places?: number): string {
  if (summary === undefined) return "";
  const digits = places ?? (summary.median < 100 ? 1 : 0);
  const [middle, lower, upper] = [summary.median, summary.lower, summary.upper].map((value) => value.toFixed(digits));
  return `${middle} (${lower}–${upper})`;
}

function median(summary: Summary | undefined): string {
  return summary === undefined ? "" : summary.median.toFixed(summary.median < 100 ? 1 : 0);
}

function count(number: number | undefined): string {
  return number === undefined ? "" : String(number);
}

/** Bytes in a unit that leaves three digits. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return "";
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${["B", "KiB", "MiB", "GiB"][power]}`;
}

/** Where the numbers were taken. */
export function machineLine({ machine }: Pick<Report, "machine">): string {
  const { processor, cores, memoryGiB, distribution, system, node } = machine;
  return `${processor}, ${cores} core${cores === 1 ? "" : "s"}, ${memoryGiB} GiB; ${distribution}, ${system}; Node ${node}`;
}

/** How to read the numbers. */
export function legend({ runs, baseline }: Pick<Report, "runs" | "baseline">): string {
  return (
    `${runs} round${runs === 1 ? "" : "s"} in turn; whole processes; medians (quartiles); ratios are of each round, to ${baseline}; ` +
    "CPU is of all processes, controller (what links) and executor (what runs) its parts; requests, bytes over the socket " +
    "and mappings are what slablink counts; peak is the most memory of one process"
  );
}
