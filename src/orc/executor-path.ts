import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExecutorError } from "../errors.ts";

const binary = join("executor", "build", "slablink-executor");

/** Path of the package's own executor program. Errors: ExecutorError that says how to build it. */
export function executorPath(): string {
  let directory = import.meta.dirname;
  for (;;) {
    const candidate = join(directory, binary);
    if (existsSync(candidate)) return candidate;
    const parent = dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  throw new ExecutorError("the executor program has not been built: run `npm run setup` in slablink's directory");
}
