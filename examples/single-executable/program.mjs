// The program: links the object that it carries, into this process or (--isolated) into the executor that it carries too.
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import { instantiate, setPackageFiles } from "slablink";

/**
 * An asset as a file without a name: the operating system loads native modules and programs by path alone, and /proc/self/fd has
 * one for every open file. Nothing is left behind, however this process ends.
 */
function fileOf(asset) {
  const folder = mkdtempSync(join(tmpdir(), "carried-"));
  try {
    const path = join(folder, asset);
    writeFileSync(path, new Uint8Array(getRawAsset(asset)), { mode: 0o700 });
    return `/proc/self/fd/${openSync(path, "r")}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main() {
  const isolated = process.argv.includes("--isolated");
  const files = ["koffi.node", "kernel.wasm", ...(isolated ? ["slablink-executor", "slablink-calls.o"] : [])];
  setPackageFiles(Object.fromEntries(files.map((name) => [name, fileOf(name)])));
  const object = { name: "fib.o", bytes: getAsset("fib.o") };
  const instance = await instantiate(object, { isolated, exports: { fib: "int64_t fib(int)" } });
  try {
    console.log(`fib(30) = ${await instance.exports.fib(30)}`);
  } finally {
    await instance.dispose();
  }
}

main();
