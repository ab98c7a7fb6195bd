// Brings a fresh clone, or a changed one, to where everything runs: packages, compiled TypeScript, the executor.
// Does only what is needed; with nothing to do it takes some ten milliseconds. Silent unless something fails.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "dist", ".built-from");

/** Does all of it. Ends this process with status 1, the reason on stderr, if a step fails. */
export async function setup() {
  if (Number(process.versions.node.split(".")[0]) < 20)
    fail(`Node ${process.versions.node} is too old; 20 or newer is needed`);
  if (!packagesAreInstalled()) installPackages();
  const sources = listSources();
  const changed = sources !== readText(stamp);
  if (changed) await compile(sources);
  const { buildExecutor } = await import("./build-executor.mjs");
  try {
    await buildExecutor();
  } catch (error) {
    fail(`the executor could not be built: ${error.message}`);
  }
  const cache = join(root, "dist", `slablink.cjs.${process.version}-${process.arch}.cache`);
  if (changed || !existsSync(cache)) (await import("./write-code-cache.mjs")).writeCodeCache();
}

/** Whether node_modules holds what package-lock.json asks for; what is optional may be absent (other platforms). */
function packagesAreInstalled() {
  const installed = readText(join(root, "node_modules", ".package-lock.json"));
  if (installed === "") return false;
  const { packages: have } = JSON.parse(installed);
  const { packages: want } = JSON.parse(readText(join(root, "package-lock.json")));
  return Object.entries(want).every(
    ([name, entry]) =>
      name === "" || have[name]?.version === entry.version || (entry.optional && have[name] === undefined),
  );
}

/**
 * `npm ci` gives exactly what the lock file says. It refuses a lock file that leaves out a package for some other
 * platform, which npm itself writes when its registry does not have that package; `npm install` takes what there is.
 */
function installPackages() {
  const flags = ["--include=dev", "--no-audit", "--no-fund"];
  const exact = start("npm", ["ci", ...flags], "installing packages");
  if (exact.status !== 0) run("npm", ["install", "--no-save", ...flags], "installing packages");
}

/** One line for every source: path, time and size, so that a file that came, went or got older counts as a change too. */
function listSources() {
  const lines = [describe("tsconfig.json"), describe("package-lock.json")];
  const walk = (directory) => {
    let entries;
    try {
      entries = readdirSync(join(root, directory), { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (path.endsWith(".ts")) lines.push(describe(path));
    }
  };
  for (const directory of ["src", "kernel", "cli", "test", "bench"]) walk(directory);
  return `${lines.sort().join("\n")}\n`;
}

function describe(path) {
  const { mtimeMs, size } = statSync(join(root, path));
  return `${path}\t${mtimeMs}\t${size}`;
}

async function compile(sources) {
  // Outputs of sources that are gone would still be found by the test runner.
  const kept = new Set(sources.split("\n").map((line) => line.split("\t")[0]));
  for (const line of readText(stamp).split("\n")) {
    const path = line.split("\t")[0];
    if (!path.endsWith(".ts") || kept.has(path)) continue;
    for (const ending of [".js", ".js.map", ".d.ts"]) {
      rmSync(join(root, "dist", path.replace(/\.ts$/, ending)), { force: true });
    }
  }
  rmSync(stamp, { force: true });
  run(join(root, "node_modules", ".bin", "tsc"), ["-p", root], "compiling TypeScript");
  // Written for another bundle; V8 would notice, but only after reading it.
  for (const name of listDirectory(join(root, "dist"))) {
    if (name.endsWith(".cache")) rmSync(join(root, "dist", name), { force: true });
  }
  const { buildKernel } = await import("./build-kernel.mjs");
  try {
    await buildKernel();
  } catch (error) {
    fail(error.message);
  }
  const { bundle } = await import("./bundle.mjs");
  await bundle();
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(stamp, sources);
}

/** Runs a program; ends this process with what it printed if it fails. */
function run(program, words, what) {
  const { status, signal, error, stdout, stderr } = start(program, words, what);
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  const how = error ? `could not be run: ${error.message}` : `ended with ${signal ?? `status ${status}`}`;
  fail(`${what}: ${program} ${how}`);
}

function start(program, words, what) {
  if (isatty(2)) console.error(`set-up: ${what}`);
  return spawnSync(program, words, { cwd: root, encoding: "utf8", stdio: "pipe" });
}

function listDirectory(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function fail(message) {
  console.error(`set-up: ${message}`);
  process.exit(1);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await setup();
