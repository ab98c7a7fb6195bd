// The command line as one CommonJS file. Node's module loader takes 0.3 ms for each of some 120 small modules; every run pays that.
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Writes dist/slablink.cjs from what tsc has compiled. */
export async function bundle() {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(root, "dist", "cli", "main.js")],
    outfile: join(root, "dist", "slablink.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["koffi"],
    define: { "import.meta.url": "slablinkModuleUrl" },
    banner: { js: 'const slablinkModuleUrl = require("node:url").pathToFileURL(__filename).href;' },
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await bundle();
