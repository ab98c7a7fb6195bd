// npm start: links examples/words.cc with the toolchain's own static C++ library, straight into the memory of an
// executor, and runs it there. Words behind `npm start --` become the program's arguments.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "./setup.mjs";

await setup();
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const compiler = process.env.CXX || "c++";
const archives = ["libstdc++.a", "libgcc_eh.a", "libgcc.a"].map(toolchainFile);
const object = compileExample(here("examples/words.cc"), here("dist/examples/words.o"));
const words = ["run", "--stats=line", "--argv0=words", object, ...archives, "--", ...process.argv.slice(2)];
const child = spawn(process.execPath, [here("bin/slablink"), ...words], { stdio: "inherit" });
// Ctrl-C is for the program.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
child.on("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));

/** Compiles the source unless the object is newer; returns the object's path. */
function compileExample(source, object) {
  if (existsSync(object) && statSync(object).mtimeMs > statSync(source).mtimeMs) return object;
  mkdirSync(dirname(object), { recursive: true });
  const { status, error } = spawnSync(compiler, ["-O2", "-c", source, "-o", object], { stdio: ["ignore", 2, 2] });
  if (status === 0) return object;
  console.error(`npm start: ${error ? error.message : `${compiler} ended with status ${status}`}`);
  process.exit(1);
}

/** Where the C++ compiler keeps a file of its own. */
function toolchainFile(name) {
  const { stdout, error } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" });
  const path = stdout?.trim() ?? "";
  if (isAbsolute(path)) return path;
  console.error(
    `npm start needs a C++ compiler with ${name}: ${error ? error.message : `${compiler} does not know where it is`}`,
  );
  process.exit(1);
}
