// Lets the command line link and run an empty program and keep V8's compiled code of what that used.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Writes dist/slablink.cjs.VERSION-ARCH.cache for this Node; without one everything works, 10 ms slower. */
export function writeCodeCache() {
  const directory = mkdtempSync(join(tmpdir(), "slablink-cache-"));
  try {
    writeFileSync(join(directory, "empty.c"), "int main(void) { return 0; }\n");
    const env = { ...process.env, SLABLINK_WRITE_CODE_CACHE: "1" };
    spawnSync(process.execPath, [join(root, "bin", "slablink"), "run", "empty.c"], { cwd: directory, env });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
