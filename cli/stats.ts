import { hex } from "../src/bytes/address.ts";
import { childrenProcessorTime } from "../src/host/processor-time.ts";
import type { LinkStats, MemoryUse } from "../src/orc/run-request.ts";
import type { StatsForm } from "./run-options.ts";

/** CPU time, user and system, in ms: of this process so far, and of the executor with what that started, once it has ended. */
export interface ProcessorTime {
  readonly controller: number;
  readonly executor?: number;
}

/** The processor time of this run; call it when the program has ended, or in-process before it begins. */
export function processorTime(mode: "executor" | "in-process"): ProcessorTime {
  const { user, system } = process.cpuUsage();
  const controller = (user + system) / 1000;
  return mode === "in-process" ? { controller } : { controller, executor: childrenProcessorTime() };
}

/** What a link did, as text that ends with a line break. */
export function formatStats(
  stats: LinkStats & { readonly cpu?: ProcessorTime },
  form: Exclude<StatsForm, "none">,
): string {
  if (form === "json") return `${JSON.stringify({ ...stats, milliseconds: total(stats) })}\n`;
  return form === "line" ? line(stats) : table(stats);
}

function line(stats: LinkStats): string {
  return (
    `slablink: linked ${plural(stats.objects, "object")} (${plural(stats.relocations, "relocation")}, ` +
    `${bytes(stats.bytesCopied)}) in ${total(stats).toFixed(1)} ms with ${plural(stats.requests, "request")}\n`
  );
}

function table(stats: LinkStats & { readonly cpu?: ProcessorTime }): string {
  const { slab, cpu } = stats;
  const rows: [string, string][] = [
    ...stats.phases.map((phase): [string, string] => [phase.name, `${phase.milliseconds.toFixed(2)} ms`]),
    ["total", `${total(stats).toFixed(2)} ms`],
    ["objects", count(stats.objects)],
    ["archives", count(stats.archives)],
    ["sections", count(stats.sections)],
    ["symbols", count(stats.symbols)],
    ["relocations", count(stats.relocations)],
    ["bytes copied", count(stats.bytesCopied)],
    ["externals", count(stats.externals)],
    ["requests", count(stats.requests)],
    ["bytes sent", count(stats.bytesSent)],
    ["bytes received", count(stats.bytesReceived)],
    ...(stats.memory === undefined ? [] : [["memory", memoryText(stats.memory)] as [string, string]]),
    ["mappings", count(stats.mappings)],
    ["protection changes", count(stats.protectionChanges)],
    ["slab", `${hex(slab.address)}, ${bytes(slab.used)} of ${bytes(slab.size)} used`],
    ...(cpu === undefined ? [] : [["CPU, controller", `${cpu.controller.toFixed(2)} ms`] as [string, string]]),
    ...(cpu?.executor === undefined ? [] : [["CPU, executor", `${cpu.executor.toFixed(2)} ms`] as [string, string]]),
    ...stats.libraries.map((path, index): [string, string] => [index === 0 ? "libraries" : "", path]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `slablink: ${name.padEnd(width)}  ${value}\n`).join("");
}

function memoryText({ kind, reason }: MemoryUse): string {
  return reason === undefined ? kind : `${kind} (the executor cannot open this process's memory: ${reason})`;
}

function total(stats: LinkStats): number {
  return stats.phases.reduce((sum, phase) => sum + phase.milliseconds, 0);
}

function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}

function bytes(number: number): string {
  if (number < 1024) return plural(number, "byte");
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(number) / 10), units.length);
  return `${(number / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
