import type { Program } from "./case.ts";
import { check, cleanEnvironment } from "./compete.ts";
import { slablinkCommand, subject } from "./contestants.ts";
import { measure } from "./measure.ts";
import { type Summary, summarize } from "./statistics.ts";

/** One phase of slablink's link, as `slablink run --stats=json` reports it. */
export interface Phase {
  readonly name: string;
  readonly milliseconds: Summary;
}

/** Runs slablink alone and summarizes where its wall time went, in the order of the phases. */
export function measurePhases(program: Program, runs: number, directory: string): Phase[] {
  const words = slablinkCommand(program, ["--stats=json"]);
  const times = new Map<string, number[]>();
  for (let i = 0; i < runs; i++) {
    const run = measure({ words, environment: cleanEnvironment() }, directory);
    check(run, program, subject);
    const stats = JSON.parse(run.stderr.trimEnd().split("\n").at(-1)!);
    const phases: { name: string; milliseconds: number }[] = [
      ...stats.phases,
      { name: "link, total", milliseconds: stats.milliseconds },
      { name: "everything else", milliseconds: run.wall - stats.milliseconds },
    ];
    for (const { name, milliseconds } of phases) {
      const known = times.get(name);
      if (known === undefined) times.set(name, [milliseconds]);
      else known.push(milliseconds);
    }
  }
  return [...times].map(([name, values]) => ({ name, milliseconds: summarize(values) }));
}
