// npm run docs:api: the API reference, docs/api/index.html, from the doc comments of what src/index.ts exports. A public name or member without
// one is an error. With --check nothing is written. typedoc comes with a TypeScript of its own, so it is installed apart (docs/reference).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../docs/reference", import.meta.url));
const lockOf = (path) => JSON.parse(readFileSync(join(folder, path), "utf8")).packages;

/** Whether typedoc is installed as the lock file says. */
function isInstalled() {
  const path = "node_modules/.package-lock.json";
  if (!existsSync(join(folder, path))) return false;
  const have = lockOf(path);
  return Object.entries(lockOf("package-lock.json")).every(
    ([name, { version }]) => name === "" || have[name]?.version === version,
  );
}

function run(program, words) {
  const { status, error } = spawnSync(program, words, { cwd: folder, stdio: "inherit" });
  if (error) console.error(`${program}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

if (!isInstalled()) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
const words = process.argv.includes("--check") ? ["--emit", "none"] : [];
run(process.execPath, [join("node_modules", "typedoc", "bin", "typedoc"), "--logLevel", "Warn", ...words]);
