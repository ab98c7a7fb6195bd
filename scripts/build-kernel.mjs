// Compiles kernel/*.ts, AssemblyScript, into dist/kernel.wasm.
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Throws an Error with the compiler's output when it fails. */
export async function buildKernel() {
  const { main } = await import("assemblyscript/asc");
  const { error, stdout, stderr } = await main(
    ["index.ts", "--baseDir", join(root, "kernel"), "--config", "asconfig.json", "--outFile", "../dist/kernel.wasm"],
    {},
  );
  if (error) throw new Error(`building the kernel: ${error.message}\n${stderr}${stdout}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await buildKernel();
