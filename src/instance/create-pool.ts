import { availableParallelism } from "node:os";
import { JobTemplates } from "../orc/copies/job-copies.ts";
import { CommonMemory } from "../runtime-memory/common-memory.ts";
import type { NoTypes } from "../signature/inferred.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { type CompileOptions, compile, type ModuleInput } from "./compile.ts";
import type { InstantiateOptions } from "./instantiate.ts";
import { COMPILE_OPTIONS, checkOptions, optionsOf, POOL_OPTIONS, SESSION_OPTIONS } from "./known-options.ts";
import { Module } from "./module.ts";
import type { Signatures } from "./native-functions.ts";
import { Pool } from "./pool.ts";
import { Session, type SessionOptions } from "./session.ts";

/** How many executors there are, and what is in each (`InstantiateOptions`). */
export interface PoolOptions<E extends Signatures = Signatures, T extends TypeTable = NoTypes>
  extends Omit<InstantiateOptions<E, true, T>, "session" | "isolated" | "restart" | "link" | "replaceable"> {
  /** Number of executors; that of the machine's processors by default. */
  readonly size?: number;
}

/**
 * Links a module once and places it in `size` executors; in each its constructors run. Executors are started without address space layout
 * randomization, so that what was linked for one fits all (docs/pools.md). Errors: RangeError for a size below 1; as of `instantiate`, after
 * all executors have been ended.
 */
export async function createPool<const E extends Signatures = Record<never, never>, T extends TypeTable = NoTypes>(
  module: Module | ModuleInput | readonly ModuleInput[],
  options: PoolOptions<E, T> & CompileOptions = {},
): Promise<Pool<E, T>> {
  checkOptions("createPool", options, POOL_OPTIONS);
  const { exports = {} as E, symbols = [], types, imports = {}, size = availableParallelism() } = options;
  if (!(Number.isSafeInteger(size) && size >= 1)) throw new RangeError(`a pool of ${size}: it has at least 1 executor`);
  const compiled =
    module instanceof Module ? module : await compile(module, optionsOf<CompileOptions>(options, COMPILE_OPTIONS));
  const siblings = { templates: new JobTemplates(), memory: new CommonMemory() };
  const recipe = { module: compiled, signatures: exports, imports, symbols, types, replaceable: false, link: [] };
  const first = await Session.openFirst(
    { ...optionsOf<SessionOptions>(options, SESSION_OPTIONS), isolated: true },
    siblings,
  );
  return Pool.open<E, T>({ recipe, siblings, first, size });
}
