import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { isEngineTuned, setFlag } from "./engine.ts";
import { type WasmModule, wasm } from "./webassembly.ts";

/** How V8 compiles by default: a function when it is called first, not well, and once more when it is called often. */
const DEFAULTS = ["liftoff", "wasm-lazy-compilation", "wasm-dynamic-tiering"] as const;

/** Set by set-up: keep the machine code of what this run uses. */
const writes = process.env.SLABLINK_WRITE_KERNEL_CODE !== undefined;

/**
 * The module at `path`. The command line keeps its optimized machine code in a file beside it: V8 would compile each function at its first
 * call, and not well. Engines offer that to their own tests only (natives syntax); where they do not, or the file is another engine's,
 * the module is compiled as usual.
 */
export function loadKernelCode(path: string): WasmModule {
  const source = readFileSync(path);
  if (isEngineTuned()) return writes ? optimized(source) : (readCode(path, source) ?? new wasm.Module(source));
  return new wasm.Module(source);
}

/**
 * The module with optimized code for all functions, which is all that V8 keeps: what lacks it is compiled twice in each run, once on
 * a thread beside. The flags are put back, since what is kept is for an engine with the same ones.
 */
function optimized(source: Uint8Array): WasmModule {
  for (const flag of DEFAULTS) setFlag(`--no-${flag}`);
  try {
    return new wasm.Module(source);
  } finally {
    for (const flag of DEFAULTS) setFlag(`--${flag}`);
  }
}

/** Keeps the code of the module at `path` when set-up has asked for it. */
export function keepKernelCode(path: string, module: WasmModule): void {
  if (!writes || !isEngineTuned()) return;
  process.on("exit", () => {
    try {
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
