import { existsSync } from "node:fs";
import { join } from "node:path";

/** The directory of package.json: `dist/cli/` runs two levels below it, the bundle in `dist/` one. */
export const packageRoot = ["..", "../.."]
  .map((up) => join(import.meta.dirname, up))
  .find((directory) => existsSync(join(directory, "package.json")))!;
