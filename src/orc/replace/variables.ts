import { STB_GLOBAL, STT_TLS } from "../../formats/elf/constants.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import type { KnownProgram, Storage } from "./known-program.ts";
import type { ObjectSymbol, ObjectSymbols } from "./object-symbols.ts";

/** A variable of an object. */
export interface Variable {
  /** What it is known by from one version to the next. */
  readonly key: string;
  readonly symbol: ObjectSymbol;
}

/**
 * The variables of an object. What is known everywhere goes by its name. gcc numbers the `static` variables of functions (`count.0`), and
 * numbers them anew when there is another one: those go by the name in front of the number, as long as only one has it.
 */
export function variablesOf(object: ObjectSymbols): Variable[] {
  const found = object.symbols.filter((symbol) => object.isVariable(symbol));
  const bare = ({ name }: ObjectSymbol): string => name.replace(/\.\d+$/, "");
  const counts = new Map<string, number>();
  for (const symbol of found) if (symbol.isLocal) counts.set(bare(symbol), (counts.get(bare(symbol)) ?? 0) + 1);
  return found.flatMap((symbol) => {
    if (!symbol.isLocal) return [{ key: symbol.name, symbol }];
    // Two of one name cannot be told apart in another version.
    return counts.get(bare(symbol)) === 1 ? [{ key: bare(symbol), symbol }] : [{ key: "", symbol }];
  });
}

/** A variable and the storage that an earlier version gave it, if any. */
export interface BoundVariable extends Variable {
  readonly storage: Storage | undefined;
}

/** Finds the storage of each variable. `warnings` takes a sentence for each that begins anew although it looks like an earlier one. */
export function bindVariables(object: ObjectSymbols, program: KnownProgram, warnings: string[]): BoundVariable[] {
  const { name } = object.reader;
  const local = program.localVariables.get(name);
  refuseThreadLocals(object, program);
  return variablesOf(object).map(({ key, symbol }) => {
    if (key === "") {
      warnings.push(
        `${name}: several variables are called ${symbol.name.replace(/\.\d+$/, "")}: ${symbol.name} begins anew`,
      );
      return { key, symbol, storage: undefined };
    }
    const storage = symbol.isLocal ? local?.get(key) : program.variables.get(key);
    if (storage === undefined || storage.size === symbol.size) return { key, symbol, storage };
    warnings.push(
      `${name}: ${symbol.name} has ${symbol.size} bytes and had ${storage.size}: it begins anew, and what other objects know of it is the old one`,
    );
    return { key, symbol, storage: undefined };
  });
}

/** A version's thread-local block is another one, which would begin anew in every thread. */
function refuseThreadLocals(object: ObjectSymbols, program: KnownProgram): void {
  if (!program.localVariables.has(object.reader.name)) return;
  const found = object.symbols.find(
    ({ type, section, binding }) =>
      type === STT_TLS && (section >= 0 || section === SymbolPlace.common) && binding <= STB_GLOBAL,
  );
  if (found === undefined) return;
  object.reader.fail(
    `${found.name} is thread-local: a new version of the object would have it once more, in every thread; keep it in an object that is not replaced`,
  );
}
