import { readFileSync } from "node:fs";
import { packageRoot } from "./package-root.ts";
import { writeOutput } from "./terminal.ts";

/** `slablink --version`. */
export async function command(): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL("package.json", packageRoot), "utf8")) as { version: string };
  writeOutput(`slablink ${version}\n`);
  return 0;
}
