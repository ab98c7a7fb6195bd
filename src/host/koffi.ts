import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { SlablinkError } from "../errors.ts";
import { packageFile } from "./package-files.ts";

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
  decode(address: number, prototype: object): NativeFunction;
  view(address: number, length: number): ArrayBuffer;
  address(value: ArrayBufferView): bigint;
  errno(): number;
}

/** Which way koffi came: the native module itself, or through its package. */
export let koffiSource: "native" | "package" | undefined;

let loaded: Koffi | undefined;

/**
 * Loads koffi when it is first needed. Its native module is taken directly where npm puts it (1.2 ms): Node's own way to it costs
 * 3 ms, koffi's search 5 ms more, which stay for everything unusual (packages linked together, another libc or architecture).
 */
export function koffi(): Koffi {
  if (loaded) return loaded;
  const place = packageFile("koffi.node");
  if (place !== undefined) {
    loaded = loadGiven(place);
    return loaded;
  }
  const native = process.platform === "linux" && process.arch === "x64";
  loaded = native ? (loadNative(findBeside) ?? loadNative(resolve)) : undefined;
  koffiSource = loaded ? "native" : "package";
  loaded ??= loadPackage();
  return loaded;
}

const NATIVE_PACKAGE = "@koromix/koffi-linux-x64";
const NATIVE_FILE = "linux_x64/koffi.node";
/** The entry points that slablink uses are those of this major version. */
const MAJOR = "3.";

function loadGiven(path: string): Koffi {
  const module: { exports: Partial<Koffi> & { version?: string } } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    throw new SlablinkError("file", `cannot load koffi's native module: ${(cause as Error).message}`, { cause });
  }
  const { version } = module.exports;
  if (version?.startsWith(MAJOR)) return module.exports as Koffi;
  throw new SlablinkError("file", `${path} is koffi ${version}, and slablink needs ${MAJOR}x`);
}

function loadNative(find: () => string | undefined): Koffi | undefined {
  try {
    const path = find();
    if (path === undefined) return undefined;
    const module: { exports: Partial<Koffi> & { version?: string } } = { exports: {} };
    process.dlopen(module, path);
    return module.exports.version?.startsWith(MAJOR) ? (module.exports as Koffi) : undefined;
  } catch {
    return undefined;
  }
}

/** Goes up through the `node_modules` around this file, as Node does. */
function findBeside(): string | undefined {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const path = join(directory, "node_modules", NATIVE_PACKAGE, NATIVE_FILE);
    if (existsSync(path)) return path;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The platform package may be visible to koffi alone, depending on how it was installed. */
function resolve(): string {
  const { createRequire } = process.getBuiltinModule("node:module");
  const koffiRequire = createRequire(createRequire(import.meta.url).resolve("koffi"));
  return join(dirname(koffiRequire.resolve(NATIVE_PACKAGE)), NATIVE_FILE);
}

function loadPackage(): Koffi {
  try {
    return process.getBuiltinModule("node:module").createRequire(import.meta.url)("koffi") as Koffi;
  } catch (cause) {
    throw new SlablinkError("file", `cannot load the native module koffi: ${(cause as Error).message}`, { cause });
  }
}
