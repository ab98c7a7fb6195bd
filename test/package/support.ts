import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { run } from "../support/process.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** A file of the packed package. */
export interface PackedFile {
  /** From the package's root. */
  readonly path: string;
  readonly mode: number;
}

/** The package as it would be published. */
export interface Tarball {
  readonly path: string;
  readonly files: readonly PackedFile[];
}

let packed: Promise<Tarball> | undefined;

/** Packs what set-up has built, once in a test process, without building it again. */
export function pack(): Promise<Tarball> {
  packed ??= packNow();
  return packed;
}

async function packNow(): Promise<Tarball> {
  const directory = freshDirectory();
  const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", directory];
  const { status, stdout, stderr } = await run("npm", words, { cwd: packageRoot });
  if (status !== 0) throw new Error(`npm pack ended with status ${status}\n${stdout}${stderr}`);
  // npm 12 names each package, its predecessors have a list.
  const [first] = Object.values(JSON.parse(stdout)) as { filename: string; files: PackedFile[] }[];
  return { path: join(directory, first.filename), files: first.files };
}

/**
 * Installs packages into a project's directory with install scripts blocked, as careful people do. Where the registry cannot be
 * reached, the test is skipped and false returned; with CI=true it fails.
 */
export async function install(test: TestContext, directory: string, packages: readonly string[]): Promise<boolean> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"];
  const words = ["install", ...flags, ...packages];
  const { status, stderr } = await run("npm", words, { cwd: directory, timeout: 300_000 });
  if (status === 0) return true;
  const text = `npm ${words.join(" ")} ended with status ${status}`;
  const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|E50[234])\b/;
  if (process.env.CI === "true" || !unreachable.test(stderr)) throw new Error(`${text}\n${stderr}`);
  test.skip(`${text}: the registry cannot be reached`);
  return false;
}
