import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-root.ts";
import { writeOutput } from "./terminal.ts";

/** `slablink --version`. */
export async function command(): Promise<number> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
  writeOutput(`slablink ${version}\n`);
  return 0;
}
