import { parseArgs } from "node:util";
import { DEFAULT_OBJECTS } from "./cases/tiny-objects.ts";
import { DEFAULT_BASELINE } from "./contestants.ts";

/** What the command line of the benchmark asks for. */
export interface BenchOptions {
  /** Only cases whose name holds one of these; all when empty. */
  readonly filters: readonly string[];
  readonly runs: number;
  /** Name of the contestant that the others are compared with, if one was named. */
  readonly baseline?: string;
  /** Only contestants whose name holds one of these, and the baseline; the usual ones when empty. */
  readonly only: readonly string[];
  /** Every contestant: the corners of the experiment, and llvm-jitlink with a given number of threads. */
  readonly all: boolean;
  readonly phases: boolean;
  readonly objects: number;
  readonly json: boolean;
  /** Files to write: the report as JSON, as Markdown, as a chart. */
  readonly save?: string;
  readonly markdown?: string;
  readonly svg?: string;
  /** A saved report to take instead of measuring. */
  readonly from?: string;
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `slablink bench [options] [NAME...]

Links and runs programs with slablink and its peers, in turn, and prints medians with their quartiles, ratios to a
baseline, and what was counted. Only the cases whose name holds a NAME; all without one.

What takes part
  --only TEXT      contestants whose name holds TEXT (again for more), and the baseline
  --all            every contestant, also each corner of memory x tasks x threads
  --baseline NAME  whom the others are compared with (${DEFAULT_BASELINE})
  --list           names of cases and contestants, and what is absent here
  --runs N         rounds of each case (11)
  --objects N      size of the case tiny-objects (${DEFAULT_OBJECTS})

What comes out
  --phases         also where slablink's time goes, phase by phase
  --json           one JSON object instead of tables
  --save FILE      the same object into a file
  --markdown FILE  tables as Markdown; between the marks that it has left there before, if the file has them
  --svg FILE       a chart
  --from FILE      no measuring: what comes out is of a saved report
  --help           this text
`;

/** @throws Error that says what is wrong with the words. */
export function parseBenchOptions(words: readonly string[]): BenchOptions {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "11" },
      baseline: text,
      only: { type: "string", multiple: true, default: [] },
      objects: { type: "string", default: String(DEFAULT_OBJECTS) },
      all: flag,
      phases: flag,
      list: flag,
      json: flag,
      save: text,
      markdown: text,
      svg: text,
      from: text,
      help: { ...flag, short: "h" },
    },
  });
  const { all, phases, list, json, help, baseline, only, save, markdown, svg, from } = values;
  const runs = wholeNumber("--runs", values.runs, 1, 1000);
  const objects = wholeNumber("--objects", values.objects, 3, 10_000);
  return {
    filters: positionals,
    runs,
    objects,
    baseline,
    only,
    all,
    phases,
    list,
    json,
    save,
    markdown,
    svg,
    from,
    help,
  };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option} ${text}: expected a whole number from ${least} to ${most}`);
}
