import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of package.json, from `dist/test/support/` where this file runs. */
export const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));

let directory: string | undefined;
let made = 0;

/** The temporary directory of this test process; deleted when the process ends. */
export function workspace(): string {
  if (directory !== undefined) return directory;
  const path = mkdtempSync(join(tmpdir(), "slablink-test-"));
  directory = path;
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  return path;
}

/** A fresh, empty directory in the workspace. */
export function freshDirectory(): string {
  const path = join(workspace(), `${made++}`);
  mkdirSync(path);
  return path;
}
