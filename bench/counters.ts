import type { Attempt } from "./contestant.ts";
import { measure } from "./measure.ts";
import { type Summary, summarize } from "./statistics.ts";

/** What slablink counts itself. */
export interface Counters {
  readonly requests: number;
  /** Over the socket, both ways. */
  readonly bytes: number;
  /** Of linked code and data in the executor, and changes of their protection. */
  readonly mappings: number;
  readonly protectionChanges: number;
  /** CPU time of the executor, in ms; undefined in-process. */
  readonly executorCpu: number | undefined;
  /** Where the wall time goes, in the order of the link's phases, in ms. */
  readonly phases: readonly Phase[];
}

/** One phase of slablink's link, as `slablink run --stats=json` reports it. */
export interface Phase {
  readonly name: string;
  readonly milliseconds: Summary;
}

/** Counters do not change from run to run; times do, so there are a few, and the medians of each. */
export function readCounters(
  attempt: Attempt,
  runs: number,
  environment: Record<string, string>,
  directory: string,
): Counters | undefined {
  const words = attempt.withStatistics;
  if (words === undefined) return undefined;
  const all = Array.from({ length: runs }, () => {
    const { stderr, wall } = measure({ words, environment }, directory);
    // In-process it stands before what the program says.
    const line = stderr.split("\n").find((text) => text.startsWith('{"phases":'));
    if (line === undefined) throw new Error(`${words.join(" ")}: no statistics`);
    const stats = JSON.parse(line);
    const rest = { name: "everything else", milliseconds: wall - stats.milliseconds };
    return { ...stats, phases: [...stats.phases, { name: "link, total", milliseconds: stats.milliseconds }, rest] };
  });
  const [first] = all;
  const executor = all.flatMap(({ cpu }) => (cpu.executor === undefined ? [] : [cpu.executor as number]));
  return {
    requests: first.requests,
    bytes: first.bytesSent + first.bytesReceived,
    mappings: first.mappings,
    protectionChanges: first.protectionChanges,
    executorCpu: executor.length === 0 ? undefined : summarize(executor).median,
    phases: first.phases.map(({ name }: { name: string }, at: number) => ({
      name,
      milliseconds: summarize(all.map(({ phases }) => phases[at].milliseconds)),
    })),
  };
}
