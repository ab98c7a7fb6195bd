import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExecutorError } from "../errors.ts";
import { type PackageFile, packageFile } from "../host/package-files.ts";

/** Path of the package's own executor program. Errors: ExecutorError that says how to build it. */
export function executorPath(): string {
  return builtFile("slablink-executor");
}

/** Path of the library that gives slablink's services to another executor. Errors: ExecutorError that says how to build it. */
export function servicesPath(): string {
  return builtFile("slablink-services.so");
}

/** Path of a file that the package has built beside its executor. Errors: ExecutorError that says how to build it. */
export function builtFile(name: PackageFile): string {
  const place = packageFile(name);
  if (place !== undefined) return place;
  let directory = import.meta.dirname;
  for (;;) {
    const candidate = join(directory, "executor", "build", name);
    if (existsSync(candidate)) return candidate;
    const parent = dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  throw new ExecutorError(`the executor's ${name} has not been built: run \`npm run setup\` in slablink's directory`);
}
