// Keeps the kernel's optimized machine code in a file: V8 would compile its functions one by one, at their first call and not well.
// Engines offer that to their own tests only (natives syntax); where they do not, or the file does not fit, the kernel is compiled as usual.
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const v8 = require("node:v8");

/** The kernel's module from the cache beside `path`; undefined when there is none for this engine. */
exports.readKernel = (path) => {
  allowNatives();
  let cached;
  let source;
  try {
    cached = readFileSync(cachePath(path));
    source = readFileSync(path);
  } catch {
    return undefined;
  }
  // An ArrayBuffer of its own: small files are read into a pool.
  const bytes = cached.buffer.slice(cached.byteOffset, cached.byteOffset + cached.length);
  return new Function("bytes", "source", "return %DeserializeWasmModule(bytes, source)")(bytes, source);
};

/** Writes the cache: the code of all functions of `exports`, which belong to `module`, and of all that they call. */
exports.writeKernel = (path, module, exports) => {
  try {
    const optimize = new Function("f", "%WasmTierUpFunction(f)");
    for (const each of Object.values(exports)) if (typeof each === "function") optimize(each);
    const bytes = new Function("module", "return %SerializeWasmModule(module)")(module);
    const part = `${cachePath(path)}.${process.pid}`;
    writeFileSync(part, new Uint8Array(bytes));
    renameSync(part, cachePath(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
};

/** What V8 keeps depends on its flags: they must be the same when it is read, and before any code is compiled. */
function allowNatives() {
  v8.setFlagsFromString("--allow-natives-syntax");
}

function cachePath(path) {
  return `${path}.${process.version}-${process.arch}.cache`;
}
