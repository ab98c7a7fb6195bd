import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../src/errors.ts";
import { makeTemporaryDirectory } from "../src/inputs/temporary-directory.ts";
import { packageRoot } from "./package-root.ts";
import { statusOfSignal } from "./signals.ts";

/**
 * `slablink bench`. A process of its own: what it measures must not share anything with this one, and the command line's
 * bundle stays small. It blocks while it measures, so this one takes the signals and removes what an ended one leaves.
 * Errors: UsageError where the package came without it.
 */
export async function command(words: string[]): Promise<number> {
  const program = join(packageRoot, "dist", "bench", "main.js");
  if (!existsSync(program)) throw new UsageError(`${program} is absent: this package came without its benchmark`);
  const room = makeTemporaryDirectory("slablink-bench-", "bench");
  try {
    const env = { ...process.env, TMPDIR: room };
    const child = spawn(process.execPath, [program, ...words], { stdio: "inherit", env });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (status, signal) => resolve(signal === null ? (status ?? 1) : statusOfSignal(signal)));
    });
  } finally {
    // What was being measured when it ended may be writing still.
    rmSync(room, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}
