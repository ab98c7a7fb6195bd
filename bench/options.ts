import { parseArgs } from "node:util";

/** What the command line of the benchmark asks for. */
export interface BenchOptions {
  /** Only cases whose name holds one of these; all when empty. */
  readonly filters: readonly string[];
  readonly runs: number;
  readonly json: boolean;
  /** Every contestant, not only slablink and its baseline. */
  readonly all: boolean;
  readonly phases: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `Usage: npm run bench -- [options] [NAME...]

Runs the cases whose name holds a NAME (all without one), every contestant in turn, and prints medians.

  --runs N   rounds of each case (11)
  --all      more contestants: slablink in its other modes, static linkers followed by the program
  --phases   where slablink's time goes, phase by phase
  --list     names of cases and contestants
  --json     one JSON object instead of tables
  --help     this text
`;

/** @throws Error that says what is wrong with the words. */
export function parseBenchOptions(words: readonly string[]): BenchOptions {
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "11" },
      all: flag,
      phases: flag,
      list: flag,
      json: flag,
      help: { ...flag, short: "h" },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: expected a whole number from 1`);
  const { all, phases, list, json, help } = values;
  return { filters: positionals, runs, json, all, phases, list, help };
}
