import type { Case } from "./case.ts";
import type { Competition, Failure, Result } from "./compete.ts";
import type { Phase } from "./counters.ts";
import type { Machine } from "./machine.ts";
import { ratioOf, type Summary, summarize } from "./statistics.ts";

/** One contestant in one case: times in ms, sizes in bytes; ratios to the baseline where that took part. */
export interface Row {
  readonly contestant: string;
  readonly rounds: number;
  readonly wall: Summary;
  readonly wallRatio?: Summary;
  /** User and system time of all processes; and of the one that links and the one that runs, as far as these are two. */
  readonly cpu: Summary;
  readonly cpuRatio?: Summary;
  readonly controllerCpu?: Summary;
  readonly executorCpu?: Summary;
  /** Most memory that one of the processes had. */
  readonly peak: number;
  /** What slablink counts: requests to the executor, bytes over the socket, mappings of linked code and data. */
  readonly requests?: number;
  readonly bytes?: number;
  readonly mappings?: number;
  readonly protectionChanges?: number;
  /** Of each round, in ms. */
  readonly times: { readonly wall: readonly number[]; readonly cpu: readonly number[] };
  /** In which way this is not the same work as the others'. */
  readonly note?: string;
}

/** One case, measured; or why it, or some contestant, was not. */
export interface Section {
  readonly name: string;
  readonly description: string;
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** Of slablink, with --phases. */
  readonly phases: readonly Phase[];
  /** What is not there, and the package that has it. */
  readonly absent: readonly string[];
  /** CPU time that others used meanwhile, as a part of one core; undefined where the system does not say. */
  readonly disturbance?: number;
}

/** All that was measured, as --json prints it. */
export interface Report {
  readonly machine: Machine;
  readonly runs: number;
  readonly baseline: string;
  readonly sections: readonly Section[];
}

/** The rows of a case, in the contestants' order. */
export function rowsOf({ results }: Competition, baseline: string): Row[] {
  return relateRows(results.map(rowOf), baseline);
}

/** The same report with ratios to another contestant. */
export function relate(report: Report, baseline: string): Report {
  const sections = report.sections.map((section) => ({ ...section, rows: relateRows(section.rows, baseline) }));
  return { ...report, baseline, sections };
}

function relateRows(rows: readonly Row[], baseline: string): Row[] {
  const against = rows.find(({ contestant }) => contestant === baseline)?.times;
  return rows.map((row) => ({
    ...row,
    wallRatio: against && ratioOf(row.times.wall, against.wall),
    cpuRatio: against && ratioOf(row.times.cpu, against.cpu),
  }));
}

function rowOf({ contestant, wall, cpu, controllerCpu, executorCpu, counters, peak, note }: Result): Row {
  const optional = (values: readonly number[]): Summary | undefined => {
    return values.length === 0 ? undefined : summarize(values);
  };
  return {
    contestant: contestant.name,
    rounds: wall.length,
    wall: summarize(wall),
    cpu: summarize(cpu),
    controllerCpu: optional(controllerCpu),
    executorCpu: optional(executorCpu),
    peak,
    requests: counters?.requests,
    bytes: counters?.bytes,
    mappings: counters?.mappings,
    protectionChanges: counters?.protectionChanges,
    times: { wall: wall.map(rounded), cpu: cpu.map(rounded) },
    note,
  };
}

/** Microseconds are as much as can be told. */
function rounded(time: number): number {
  return Math.round(1000 * time) / 1000;
}

/** A case of which nothing was measured. */
export function skipped({ name, description }: Case, reason: string): Section {
  return { name, description, rows: [], failures: [], phases: [], absent: [`${name}: ${reason}`] };
}
