import { parseArgs } from "node:util";

/** What the command line of the scale benchmark asks for. */
export interface ScaleOptions {
  /** Only shapes whose name holds one of these; all when empty. */
  readonly filters: readonly string[];
  /** Runs of each size; the fastest counts. */
  readonly runs: number;
  /** Sizes are divided by this. */
  readonly divisor: number;
  readonly json: boolean;
  readonly phases: boolean;
  readonly lld: boolean;
  /** Options of `slablink run`. */
  readonly slablink: readonly string[];
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `Usage: npm run bench:scale -- [options] [NAME...]

Links inputs of one shape in growing sizes (all shapes, or those whose name holds a NAME), and prints how time and memory grow.

  --runs N       runs of each size, the fastest counts (2)
  --divisor N    sizes N times smaller
  --phases       how each phase of the largest sizes grows
  --no-lld       without ld.lld beside it
  --option WORD  an option of slablink run, for example --in-process; may be repeated
  --list         names and descriptions of the shapes
  --json         one JSON object instead of tables
  --help         this text
`;

/** @throws Error that says what is wrong with the words. */
export function parseScaleOptions(words: readonly string[]): ScaleOptions {
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "2" },
      divisor: { type: "string", default: "1" },
      option: { type: "string", multiple: true, default: [] },
      phases: flag,
      "no-lld": flag,
      list: flag,
      json: flag,
      help: { ...flag, short: "h" },
    },
  });
  const number = (name: "runs" | "divisor"): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`--${name} ${values[name]}: expected a whole number from 1`);
    return value;
  };
  const { phases, list, json, help, option } = values;
  const [runs, divisor] = [number("runs"), number("divisor")];
  return { filters: positionals, runs, divisor, phases, list, json, help, lld: !values["no-lld"], slablink: option };
}
