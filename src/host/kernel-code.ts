import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { isEngineTuned } from "./engine.ts";
import { type WasmModule, wasm } from "./webassembly.ts";

/** Set by set-up: keep the machine code of what this run uses. */
const writes = process.env.SLABLINK_WRITE_KERNEL_CODE !== undefined;

/**
 * The module at `path`. The command line keeps its optimized machine code in a file beside it: V8 would compile each function at its first
 * call, and not well. Engines offer that to their own tests only (natives syntax); where they do not, or the file is another engine's,
 * the module is compiled as usual.
 */
export function loadKernelCode(path: string): WasmModule {
  const source = readFileSync(path);
  return (isEngineTuned() && !writes ? readCode(path, source) : undefined) ?? new wasm.Module(source);
}

/** Keeps the code of `exports`, which belong to the module at `path`, and of all that they call, when set-up has asked for it. */
export function keepKernelCode(path: string, module: WasmModule, exports: object): void {
  if (!writes || !isEngineTuned()) return;
  process.on("exit", () => {
    try {
      const optimize = new Function("f", "%WasmTierUpFunction(f)");
      for (const each of Object.values(exports)) if (typeof each === "function") optimize(each);
      const bytes = new Function("module", "return %SerializeWasmModule(module)")(module) as ArrayBuffer;
      // Renamed into place, so that nobody reads half of it.
      const part = `${codePath(path)}.${process.pid}`;
      writeFileSync(part, new Uint8Array(bytes));
      renameSync(part, codePath(path));
    } catch (error) {
      // This engine has no such functions, or makes none from text.
      if (!(error instanceof SyntaxError || error instanceof EvalError)) throw error;
    }
  });
}

function readCode(path: string, source: Uint8Array): WasmModule | undefined {
  try {
    const code = readFileSync(codePath(path));
    // An ArrayBuffer of its own: small files are read into a pool.
    const bytes = code.buffer.slice(code.byteOffset, code.byteOffset + code.length);
    return new Function("bytes", "source", "return %DeserializeWasmModule(bytes, source)")(bytes, source);
  } catch {
    // There is no such file, or this engine does without.
    return undefined;
  }
}

/** The engine checks its version and flags; that the code is this module's, the name says: V8 would take any other's for it. */
function codePath(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${path}.${process.version}-${process.arch}.${size}-${Math.round(mtimeMs).toString(36)}.cache`;
}
