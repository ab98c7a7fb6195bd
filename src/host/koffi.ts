import { createRequire } from "node:module";
import { SlablinkError } from "../errors.ts";

/** A declared native function; `async` runs it on a thread of libuv's pool. */
export interface NativeFunction {
  (...values: unknown[]): unknown;
  async(...values: unknown[]): void;
}

/** The few entry points of koffi that slablink uses. */
export interface Koffi {
  load(path: string | null): { func(name: string, result: string, parameters: string[]): NativeFunction };
  proto(result: string, parameters: string[]): object;
  call(address: bigint, prototype: object, ...values: unknown[]): unknown;
  view(address: number, length: number): ArrayBuffer;
  address(value: ArrayBufferView): bigint;
  errno(): number;
}

let loaded: Koffi | undefined;

/**
 * Loads koffi when it is first needed. Its native module is taken directly where npm put it (1.2 ms); koffi's own
 * search costs 5 ms more and stays as the way for everything unusual (another libc or architecture, a bundle).
 */
export function koffi(): Koffi {
  loaded ??= loadNative() ?? loadPackage();
  return loaded;
}

function loadNative(): Koffi | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  try {
    // koffi's package exports no package.json to start from.
    const koffiRequire = createRequire(createRequire(import.meta.url).resolve("koffi"));
    const path = koffiRequire.resolve("@koromix/koffi-linux-x64/package.json").replace(/package\.json$/, "");
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, `${path}linux_x64/koffi.node`);
    return module.exports as Koffi;
  } catch {
    return undefined;
  }
}

function loadPackage(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (cause) {
    throw new SlablinkError("file", `cannot load the native module koffi: ${(cause as Error).message}`, { cause });
  }
}
