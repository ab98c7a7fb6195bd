import { existsSync } from "node:fs";

/** The directory of package.json: `dist/cli/` runs two levels below it, the bundle in `dist/` one. */
export const packageRoot = ["../", "../../"]
  .map((up) => new URL(up, import.meta.url))
  .find((directory) => existsSync(new URL("package.json", directory)))!;
