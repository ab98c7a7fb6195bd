// Loads a CommonJS file with V8's code cache beside it: compiling the command line anew takes 10 ms of every run.
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname } = require("node:path");
const { Script } = require("node:vm");

/** Set by set-up to a file name: write the cache there when the process ends, with the functions that it has used. */
const WRITE = "SLABLINK_WRITE_CODE_CACHE";

/** Whether this run is for the cache. */
exports.isWriting = process.env[WRITE] !== undefined;

/** The exports of the file at `path`. A cache that another version of Node has written is not used; V8 checks the rest. */
exports.loadCached = (path) => {
  const source = readFileSync(path, "utf8");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  const script = new Script(wrapped, { filename: path, cachedData: readCache(cachePath(path)) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  if (process.env[WRITE] !== undefined) writeAtExit(script, path);
  return module.exports;
};

function cachePath(path) {
  return `${path}.${process.version}-${process.arch}.cache`;
}

function readCache(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function writeAtExit(script, path) {
  delete process.env[WRITE];
  process.on("exit", () => {
    // Renamed into place, so that nobody reads half of it.
    const part = `${cachePath(path)}.${process.pid}`;
    writeFileSync(part, script.createCachedData());
    renameSync(part, cachePath(path));
  });
}
