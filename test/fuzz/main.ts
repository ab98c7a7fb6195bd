/*
 * npm run fuzz -- [executor|controller]... [--seed N] [--frames N]
 *
 * Sends mutated frames to the native executor, built with the address and the undefined-behaviour sanitizer, and to the controller.
 * Ends with status 1 and the seed of the session in which something went wrong.
 */
import { parseArgs } from "node:util";
import { buildSanitizedExecutor, recordSymbols } from "./executors.ts";
import { fuzzController } from "./fuzz-controller.ts";
import { fuzzExecutor } from "./fuzz-executor.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, frames: { type: "string", default: "100000" } },
});
const seed = Number(values.seed);
const frames = Number(values.frames);
const progress = ({ mutated }: { mutated: number }): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${mutated} frames `);
};

const targets: Record<string, () => Promise<object>> = {
  executor: async () => fuzzExecutor({ path: buildSanitizedExecutor("address,undefined"), seed, frames, progress }),
  controller: async () => fuzzController({ symbols: await recordSymbols(), seed, frames, progress }),
};

for (const target of positionals.length > 0 ? positionals : Object.keys(targets)) {
  try {
    console.log(`${target}, seeds from ${seed}: ${JSON.stringify(await targets[target]())}`);
  } catch (error) {
    console.error(`fuzz: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
