import { existsSync } from "node:fs";

/** The directory of package.json: above `dist/` where the bundle runs, further up from a module of its own. */
export const packageRoot = findPackageRoot();

function findPackageRoot(): URL {
  let directory = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", directory)) && directory.pathname !== "/") {
    directory = new URL("../", directory);
  }
  return directory;
}
