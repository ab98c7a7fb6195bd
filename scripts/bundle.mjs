// The command line as one script, a function that takes what a CommonJS module gets. Node's module loader takes 0.3 ms for each of some 120 small modules; every run pays that.
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
    // What Node's `import.meta` says of a module; `createRequire` takes a path as well as a URL.
    define: { "import.meta.url": "__filename", "import.meta.dirname": "__dirname" },
    // A dynamic import of a module of Node's stays a `require`: Node's ES module loader costs 3 ms.
    supported: { "dynamic-import": false },
    // bin/slablink compiles it as the function that it is.
    banner: { js: "(function (exports, require, module, __filename, __dirname) {" },
    footer: { js: "})" },
    minify: true,
    sourcemap: "external",
    logLevel: "warning",
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await bundle();
