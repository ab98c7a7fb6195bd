// npm test: set-up, lint, then every test file. Words behind `npm test --` choose the test files whose path holds one
// of them; a word that starts with a dash goes to node --test.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "./setup.mjs";

await setup();
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith("-"));

const lint = wanted.length === 0 ? run(join("node_modules", ".bin", "biome"), ["check", "."]) : 0;
const files = readdirSync("dist/test", { recursive: true })
  .filter((name) => name.endsWith(".test.js"))
  .map((name) => join("dist/test", name))
  .filter((path) => wanted.length === 0 || wanted.some((word) => path.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(", ")}`);
  process.exit(1);
}
// Two at a time: most of them compile and run programs, and more only slow each other down on small machines.
const flags = [
  "--enable-source-maps",
  "--test",
  "--test-concurrency=2",
  "--test-reporter=spec", // names what failed once more at the end
  ...words.filter((word) => word.startsWith("-")),
];
const tests = run(process.execPath, [...flags, ...files]);
if (lint !== 0) console.error("lint failed, see above");
process.exit(lint || tests);

function run(program, words) {
  const { status, error } = spawnSync(program, words, { stdio: "inherit" });
  if (error) console.error(`${program}: ${error.message}`);
  return status ?? 1;
}
