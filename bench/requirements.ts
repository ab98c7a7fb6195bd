import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** A file that a case or a contestant needs, and the Debian package that has it. */
export interface Requirement {
  /** An absolute path, a program in $PATH, or a library (`lib….a`) that the compiler finds. */
  readonly file: string;
  readonly package: string;
}

/** The path of a required file, or undefined. */
export function locate({ file }: Requirement): string | undefined {
  if (isAbsolute(file)) return existsSync(file) ? file : undefined;
  if (file.startsWith("lib") || file.endsWith(".o")) return compilerFile(file);
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, file);
    if (directory !== "" && existsSync(path)) return path;
  }
  return undefined;
}

/** "needs FILE (package PACKAGE)" for the first that is absent, or undefined when all are there. */
export function absence(requirements: readonly Requirement[]): string | undefined {
  const absent = requirements.find((requirement) => locate(requirement) === undefined);
  return absent === undefined ? undefined : `needs ${absent.file} (package ${absent.package})`;
}

const compilerFiles = new Map<string, string | undefined>();

/** Where the C compiler keeps a library or start-up file; undefined when it has none. */
export function compilerFile(name: string): string | undefined {
  if (!compilerFiles.has(name)) {
    const path = spawnSync("cc", [`-print-file-name=${name}`], { encoding: "utf8" }).stdout?.trim() ?? "";
    compilerFiles.set(name, isAbsolute(path) ? path : undefined);
  }
  return compilerFiles.get(name);
}
