import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageRoot } from "../support/workspace.ts";

const directory = mkdtempSync(join(tmpdir(), "slablink-kernel-"));
after(() => rmSync(directory, { recursive: true }));

const wasm = join(directory, "kernel.wasm");

/**
 * Loads the module as the command line does and finds two sections with it; `writes`: keeps its code. Says too whether there was optimized
 * code for each function before any was called.
 */
function use(writes: boolean): string {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { tuneEngine } = await import(${url("../../src/host/engine.js")});
    const { loadKernelCode, keepKernelCode } = await import(${url("../../src/host/kernel-code.js")});
    tuneEngine();
    const module = loadKernelCode(${JSON.stringify(wasm)});
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: true });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    keepKernelCode(${JSON.stringify(wasm)}, module);
    const isOptimized = new Function("f", "return %IsTurboFanFunction(f)");
    const all = Object.values(exports).every((each) => typeof each !== "function" || isOptimized(each));
    // A record at 4096 whose kinds of sections are at 8192: rows 1 and 3 are of kind 2.
    new Uint32Array(memory.buffer, 4096, 1)[0] = 8192;
    new Uint8Array(memory.buffer, 8192, 5).set([0, 2, 1, 2, 7]);
    const count = exports.sectionsOfKinds(4096, 5, 1 << 2, 12288);
    console.log(...new Int32Array(memory.buffer, 12288, count), all ? "optimized" : "as usual");`;
  const env = { ...process.env };
  if (writes) env.SLABLINK_WRITE_KERNEL_CODE = "1";
  return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", env });
}

const kept = (): string[] => readdirSync(directory).filter((name) => name.endsWith(".cache"));

test("the kernel's machine code is kept beside it, for this engine and these bytes, where the engine allows it", () => {
  copyFileSync(join(packageRoot, "dist", "kernel.wasm"), wasm);
  assert.equal(use(false), "1 3 as usual\n");
  assert.deepEqual(kept(), []);
  assert.match(use(true), /^1 3 /);
  const engine = Number.parseInt(process.versions.v8, 10);
  assert.equal(kept().length, engine < 14 ? 1 : 0);
  assert.equal(use(false), engine < 14 ? "1 3 optimized\n" : "1 3 as usual\n");
  // Code of other bytes has another name.
  utimesSync(wasm, 1, 1);
  assert.match(use(true), /^1 3 /);
  assert.equal(kept().length, engine < 14 ? 2 : 0);
});

test("code that is another engine's is not used", () => {
  for (const name of kept()) writeFileSync(join(directory, name), "of no engine at all, and long enough for a header");
  assert.equal(use(false), "1 3 as usual\n");
});
