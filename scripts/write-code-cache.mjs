// Lets the command line link and run a small program and keep V8's compiled code of what that used, and that of the kernel.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "scripts", "code-cache-program.c");

/** Writes dist/{slablink.cjs,kernel.wasm}.VERSION-ARCH.cache for this Node; without them everything works, 10 ms slower. */
export function writeCodeCache() {
  const directory = mkdtempSync(join(tmpdir(), "slablink-cache-"));
  try {
    // Compiled beforehand: an ordinary run is given objects.
    compile(directory, "program.o", ["-DFUNCTION=first", "-DMAIN=second"]);
    compile(directory, "other.o", ["-DFUNCTION=second", "-fPIC"]);
    const words = [join(root, "bin", "slablink"), "run", "program.o", "other.o", "-lm"];
    // One run each: the two are compiled with different flags of the engine.
    for (const name of ["SLABLINK_WRITE_CODE_CACHE", "SLABLINK_WRITE_KERNEL_CODE"]) {
      run(process.execPath, words, { cwd: directory, env: { ...process.env, [name]: "1" } });
    }
  } catch (error) {
    console.error(`slablink: without a code cache, which makes each start 10 ms slower: ${error.message}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function compile(cwd, output, flags) {
  const [compiler, ...words] = (process.env.CC ?? "cc").trim().split(/\s+/);
  run(compiler, [...words, "-O1", "-c", ...flags, source, "-o", output], { cwd });
}

function run(program, words, options) {
  const { status, error, signal, stderr } = spawnSync(program, words, { ...options, encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`${program} ended with ${signal ?? `status ${status}`}: ${stderr}`);
}
