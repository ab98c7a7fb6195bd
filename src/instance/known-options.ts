import { UsageError } from "../errors.ts";
import type { CompileOptions } from "./compile.ts";
import type { PoolOptions } from "./create-pool.ts";
import type { ReplaceOptions } from "./instance.ts";
import type { InstantiateOptions } from "./instantiate.ts";
import type { CallOptions } from "./native-functions.ts";
import type { SessionOptions } from "./session.ts";

/** The names of all options of a kind; the compiler sees to it that none is missing. */
type NamesOf<Options> = Readonly<Record<keyof Required<Options>, true>>;

/** Of `compile`. */
export const COMPILE_OPTIONS: NamesOf<CompileOptions> = { environment: true, flags: true, libraryDirectories: true };

/** Of `Session.open`. */
export const SESSION_OPTIONS: NamesOf<SessionOptions> = {
  isolated: true,
  executor: true,
  memory: true,
  placement: true,
  slabSize: true,
  threads: true,
  restart: true,
  trace: true,
};

/** Of `instantiate`. */
export const INSTANTIATE_OPTIONS: NamesOf<InstantiateOptions & CompileOptions> = {
  ...COMPILE_OPTIONS,
  ...SESSION_OPTIONS,
  session: true,
  imports: true,
  link: true,
  exports: true,
  symbols: true,
  replaceable: true,
  types: true,
};

/** Of `createPool`. */
export const POOL_OPTIONS: NamesOf<PoolOptions & CompileOptions> = {
  ...COMPILE_OPTIONS,
  executor: true,
  memory: true,
  placement: true,
  slabSize: true,
  threads: true,
  trace: true,
  imports: true,
  exports: true,
  symbols: true,
  types: true,
  size: true,
};

/** Of `instance.replace`. */
export const REPLACE_OPTIONS: NamesOf<ReplaceOptions> = { ...COMPILE_OPTIONS, imports: true };

/** Of a function's `with`. */
export const CALL_OPTIONS: NamesOf<CallOptions> = { signal: true, timeout: true };

/**
 * Refuses options that there are not: one that is misspelt would have no effect, and code might run in this process that was to be isolated.
 * Errors: UsageError with the names that there are.
 */
export function checkOptions(what: string, options: object, known: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(options).filter((name) => known[name] !== true);
  if (unknown.length === 0) return;
  throw new UsageError(
    `${what}: there is no option ${unknown.join(", ")}; the options are ${Object.keys(known).join(", ")}`,
  );
}

/** Those of the options that are of a kind. */
export function optionsOf<Options extends object>(options: object, known: NamesOf<Options>): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(known, name))) as Options;
}
