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

/** Plain addresses in the executor. */
export function absoluteSymbols(addresses: NamesOf<number>): Definitions {
  const entries = entriesOf(addresses);
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
