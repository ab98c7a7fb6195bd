/*
 * npm run fuzz -- [executor|controller] [--seed N] [--frames N]
 *
 * Sends mutated frames to the native executor, built with the address and the undefined-behaviour sanitizer. Ends with status 1 and the
 * seed of the session in which something went wrong.
 */
import { parseArgs } from "node:util";
import { fuzzExecutor } from "./fuzz-executor.ts";
import { buildSanitizedExecutor } from "./sanitized.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, frames: { type: "string", default: "100000" } },
});
const seed = Number(values.seed);
const frames = Number(values.frames);

try {
  const report = await fuzzExecutor({
    path: buildSanitizedExecutor("address,undefined"),
    seed,
    frames,
    progress: ({ mutated }) => process.stderr.write(`\r${mutated} frames`),
  });
  console.log(`\nexecutor, seeds from ${seed}: ${JSON.stringify(report)}`);
} catch (error) {
  console.error(`\nfuzz: ${(error as Error).message}`);
  process.exitCode = 1;
}
