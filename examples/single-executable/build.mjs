// Makes the single executable application:  node examples/single-executable/build.mjs OUTPUT
// It carries the Node that runs this, the program with slablink bundled, an object, and slablink's native files.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const output = resolve(process.argv[2] ?? "fib");
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const work = mkdtempSync(join(tmpdir(), "single-executable-"));
try {
  execFileSync(process.env.CC ?? "cc", ["-O2", "-c", here("fib.c"), "-o", join(work, "fib.o")]);
  await build({
    entryPoints: [here("program.mjs")],
    outfile: join(work, "program.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // Inside of the executable there is no module to be relative to.
    define: { "import.meta.url": "__filename", "import.meta.dirname": "__dirname" },
    supported: { "dynamic-import": false },
    logLevel: "warning",
  });
  const config = join(work, "sea.json");
  const blob = join(work, "program.blob");
  const settings = { main: join(work, "program.cjs"), output: blob, disableExperimentalSEAWarning: true };
  writeFileSync(config, JSON.stringify({ ...settings, assets: { "fib.o": join(work, "fib.o"), ...nativeFiles() } }));
  execFileSync(process.execPath, ["--experimental-sea-config", config], { stdio: "pipe" });
  copyFileSync(process.execPath, output);
  chmodSync(output, 0o755);
  const postject = createRequire(import.meta.url).resolve("postject/dist/cli.js");
  const fuse = ["--sentinel-fuse", "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"];
  // It warns of section names of Node's that it does not understand and keeps.
  execFileSync(process.execPath, [postject, output, "NODE_SEA_BLOB", blob, ...fuse], { stdio: "pipe" });
} finally {
  rmSync(work, { recursive: true });
}

/** By the names that setPackageFiles() knows. */
function nativeFiles() {
  const require = createRequire(import.meta.url);
  const slablink = dirname(require.resolve("slablink/package.json"));
  const koffi = createRequire(createRequire(join(slablink, "package.json")).resolve("koffi"));
  return {
    "koffi.node": join(dirname(koffi.resolve("@koromix/koffi-linux-x64")), "linux_x64", "koffi.node"),
    "kernel.wasm": join(slablink, "dist", "kernel.wasm"),
    "slablink-executor": join(slablink, "executor", "build", "slablink-executor"),
    "slablink-calls.o": join(slablink, "executor", "build", "slablink-calls.o"),
  };
}
