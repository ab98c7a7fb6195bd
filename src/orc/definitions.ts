import { UsageError } from "../errors.ts";
import type { JITDylib } from "./jit-dylib.ts";

/** Definitions without code, for `JITDylib.define` (what LLVM calls materialization units). */
export interface Definitions {
  /** The names that they define. */
  names(): Iterable<string>;
  /** @internal */
  addTo(dylib: JITDylib): void;
}

/** Names and what each stands for. */
export type NamesOf<T> = Readonly<Record<string, T>> | ReadonlyMap<string, T>;

/** Addresses have 64 bits. */
const ADDRESS_END = 2 ** 64;

/** Errors: UsageError for what is no address of the name: a whole number from 0 on, below 2 to the 64th. */
export function checkAddress(name: string, address: number): void {
  if (Number.isInteger(address) && address >= 0 && address < ADDRESS_END) return;
  throw new UsageError(`${name}: ${address} is no address, which is a whole number from 0 on and below 2^64`);
}

/** Plain addresses in the executor. Errors: UsageError for what is no address. */
export function absoluteSymbols(addresses: NamesOf<number>): Definitions {
  const entries = entriesOf(addresses);
  for (const [name, address] of entries) checkAddress(name, address);
  return definitions(entries, (dylib, name, address) => dylib.absolutes.set(name, address));
}

/** Other names for symbols of the same JITDylib (alias → symbol), linked when a look-up reaches the alias. */
export function symbolAliases(aliases: NamesOf<string>): Definitions {
  const entries = entriesOf(aliases);
  return definitions(entries, (dylib, name, target) => dylib.lazyAliases.set(name, target));
}

/**
 * Symbols of another JITDylib under names of one's own (new name → name there). Nothing is linked in the other one before a look-up
 * reaches the name.
 */
export function reexports(from: JITDylib, names: NamesOf<string>): Definitions {
  const entries = entriesOf(names);
  return definitions(entries, (dylib, name, old) =>
    dylib.reexports.set(name, { dylib: from, name: old, address: undefined }),
  );
}

function entriesOf<T>(names: NamesOf<T>): (readonly [string, T])[] {
  return names instanceof Map ? [...names] : Object.entries(names as Readonly<Record<string, T>>);
}

function definitions<T>(
  entries: readonly (readonly [string, T])[],
  add: (dylib: JITDylib, name: string, value: T) => void,
): Definitions {
  return {
    names: () => entries.map(([name]) => name),
    addTo: (dylib) => {
      for (const [name, value] of entries) add(dylib, name, value);
    },
  };
}
