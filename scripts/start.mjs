// npm start: links examples/words.cc with the toolchain's own static C++ library, straight into the memory of an
// executor, and runs it there. Words behind `npm start --` become the program's arguments.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "./setup.mjs";

await setup();
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const archives = ["libstdc++.a", "libgcc_eh.a", "libgcc.a"].map(toolchainFile);
const words = [
  "run",
  "--stats=line",
  "--argv0=words",
  here("examples/words.cc"),
  ...archives,
  "--",
  ...process.argv.slice(2),
];
const child = spawn(process.execPath, [here("bin/slablink"), ...words], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
child.on("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));

/** Where the C++ compiler keeps a file of its own. */
function toolchainFile(name) {
  const compiler = process.env.CXX || "c++";
  const { stdout, error } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" });
  const path = stdout?.trim() ?? "";
  if (isAbsolute(path)) return path;
  console.error(
    `npm start needs a C++ compiler with ${name}: ${error ? error.message : `${compiler} does not know where it is`}`,
  );
  process.exit(1);
}
