import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../src/errors.ts";
import { packageRoot } from "./package-root.ts";

/**
 * `slablink bench`. A process of its own: what it measures must not share anything with this one, and the command line's
 * bundle stays small. Errors: UsageError where the package came without it.
 */
export async function command(words: string[]): Promise<number> {
  const program = join(packageRoot, "dist", "bench", "main.js");
  if (!existsSync(program)) throw new UsageError(`${program} is absent: this package came without its benchmark`);
  const { status, signal } = spawnSync(process.execPath, [program, ...words], { stdio: "inherit" });
  if (signal === null) return status ?? 1;
  process.kill(process.pid, signal);
  return 1;
}
