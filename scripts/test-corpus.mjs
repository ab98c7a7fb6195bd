// npm run test:corpus: the corpus of ordinary programs beside this repository (../shared/corpus, or the folder that
// SLABLINK_CORPUS names), built once into build/corpus and run in every mode. Says so when the corpus is not there.
// Words behind `npm run test:corpus --` are prefixes of the cases' names; --rounds=N runs them so many times, and
// --mode=shared|rpc|in-process only in that mode. The last line is how many passed in each mode.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "./setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const corpus = resolve(process.env.SLABLINK_CORPUS ?? join(root, "../shared/corpus"));
const built = join(root, "build/corpus");
const words = process.argv.slice(2);
const rounds = Number(words.find((word) => word.startsWith("--rounds="))?.slice("--rounds=".length) ?? 1);
const modes = words.filter((word) => word.startsWith("--mode=")).flatMap((word) => word.split("="));
const prefixes = words.filter((word) => !word.startsWith("-"));

if (!existsSync(join(corpus, "run-cases.mjs"))) {
  console.log(`no corpus at ${corpus}, so none of its programs is run; SLABLINK_CORPUS names another folder`);
  process.exit(0);
}
await setup();
build();
const tool = `${join(root, "bin/slablink")} run`;
for (let round = 1; round <= rounds; round++) {
  if (rounds > 1) console.log(`round ${round} of ${rounds}`);
  run("node", ["run-cases.mjs", "--tool", tool, ...modes, ...prefixes]);
}

/** Copies the corpus and has its own script download, unpack and build what it needs, unless that was done for these sources. */
function build() {
  const stamp = join(built, ".built-from");
  const sources = describe(corpus);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return;
  console.log(`building the corpus of ${corpus} in ${built}; this takes some ten minutes`);
  rmSync(join(built, "cases"), { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  // The folder may be read-only; its copy is to be written to.
  run("cp", ["-r", "--no-preserve=mode", `${corpus}/.`, "."]);
  run("bash", ["build-cases.sh"]);
  writeFileSync(stamp, sources);
}

/** A line for every file below a folder: path and size. */
function describe(folder) {
  const names = readdirSync(folder, { recursive: true }).sort();
  return names.map((name) => `${name} ${statSync(join(folder, name)).size}\n`).join("");
}

/** Runs a command in the copy of the corpus; what fails ends this process with its status. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: built, stdio: "inherit" });
  if (status === 0) return;
  if (error) console.error(`${command}: ${error.message}`);
  process.exit(status ?? 1);
}
