import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compiles a C text into `directory` with `cc -O2` and further words; gives the output's path. Errors: Error with what the compiler said. */
export function build(directory: string, name: string, text: string, words: readonly string[]): string {
  const source = join(directory, `${name}.c`);
  writeFileSync(source, text);
  const output = join(directory, name);
  const { status, stderr, error } = spawnSync("cc", ["-O2", ...words, source, "-o", output], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc ${words.join(" ")} ${source}: ${error?.message ?? stderr}`);
  return output;
}
