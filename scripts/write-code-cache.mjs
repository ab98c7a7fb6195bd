// Lets the command line link and run an empty program and keep V8's compiled code of what that used, and that of the kernel.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Writes dist/{slablink.cjs,kernel.wasm}.VERSION-ARCH.cache for this Node; without them everything works, 10 ms slower. */
export function writeCodeCache() {
  const directory = mkdtempSync(join(tmpdir(), "slablink-cache-"));
  try {
    writeFileSync(join(directory, "empty.c"), "int main(void) { return 0; }\n");
    // One run each: the two are compiled with different flags of the engine.
    for (const name of ["SLABLINK_WRITE_CODE_CACHE", "SLABLINK_WRITE_KERNEL_CODE"]) {
      const env = { ...process.env, [name]: "1" };
      spawnSync(process.execPath, [join(root, "bin", "slablink"), "run", "empty.c"], { cwd: directory, env });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
