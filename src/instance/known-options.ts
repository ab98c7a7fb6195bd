import { UsageError } from "../errors.ts";
import { kindError } from "../signature/integer-codec.ts";
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
 * Errors: UsageError with the names that there are; TypeError for what is no object.
 */
export function checkOptions(what: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== "object" || options === null) throw kindError(options, "an object of options", () => what);
  const unknown = Object.keys(options).filter((name) => known[name] !== true);
  if (unknown.length === 0) return;
  throw new UsageError(
    `${what}: there is no option ${unknown.join(", ")}; the options are ${Object.keys(known).join(", ")}`,
  );
}

/**
 * `checkOptions` for a function's `with`, and whether the values are good: Node takes a limit that is none for 1 ms, which would end the executor.
 * Errors: as there; TypeError for another kind of value, RangeError for a timeout that is NaN or below 0.
 */
export function checkCallOptions(options: CallOptions): void {
  checkOptions("with", options, CALL_OPTIONS);
  const { signal, timeout } = options;
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw kindError(signal, "an AbortSignal", () => "with: signal");
  }
  if (timeout === undefined) return;
  if (typeof timeout !== "number") throw kindError(timeout, "a number of ms", () => "with: timeout");
  if (!(timeout >= 0)) throw new RangeError(`with: timeout: ${timeout} is no number of ms from 0 on`);
}

/** Those of the options that are of a kind. */
export function optionsOf<Options extends object>(options: object, known: NamesOf<Options>): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(known, name))) as Options;
}
