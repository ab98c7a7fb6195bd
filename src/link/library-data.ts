import { LinkError } from "../errors.ts";
import { STB_GLOBAL, STT_FUNC } from "../formats/elf/constants.ts";
import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import type { DynamicRelocation } from "../formats/elf/shared-library-relocations.ts";

/** What copies of some of a library's variables need to know of it: one pass over its tables, however many variables there are. */
export class LibraryData {
  readonly #library: SharedLibrary;
  readonly #variables: readonly DynamicSymbol[];
  readonly #isInterposed: (name: string) => boolean;
  #aliases: Map<number, DynamicSymbol[]> | undefined;
  #relocations: DynamicRelocation[] | undefined;
  #base: DynamicSymbol | undefined;

  constructor(library: SharedLibrary, variables: readonly DynamicSymbol[], isInterposed: (name: string) => boolean) {
    this.#library = library;
    this.#variables = variables;
    this.#isInterposed = isInterposed;
  }

  /** Other names of one of the variables (`__environ` beside `environ`), which must stay names of the same variable. */
  aliasesOf(symbol: DynamicSymbol): DynamicSymbol[] {
    // C++ libraries have none, and looking through all their symbols takes milliseconds.
    if (symbol.name.startsWith("_Z")) return [];
    this.#aliases ??= this.#symbolsAtVariables();
    const { value, type, sectionIndex, name } = symbol;
    return (this.#aliases.get(value) ?? []).filter(
      (each) => each.type === type && each.sectionIndex === sectionIndex && each.name !== name,
    );
  }

  /** What the loader does to the library's data in `[start, end)`, by address. */
  relocationsIn(start: number, end: number): DynamicRelocation[] {
    this.#relocations ??= this.#relocationsOfVariables();
    const all = this.#relocations;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]!.address < start) low = middle + 1;
      else high = middle;
    }
    let last = low;
    while (last < all.length && all[last]!.address < end) last++;
    return all.slice(low, last);
  }

  /** A function that nobody else defines: it tells where the library was loaded. Errors: LinkError when there is none. */
  get base(): DynamicSymbol {
    this.#base ??= this.#anyFunction();
    return this.#base;
  }

  #symbolsAtVariables(): Map<number, DynamicSymbol[]> {
    const at = new Map<number, DynamicSymbol[]>(this.#variables.map(({ value }) => [value, []]));
    for (const symbol of this.#library.symbolsAt(at)) at.get(symbol.value)!.push(symbol);
    return at;
  }

  /** From the first variable to the end of the last one; aliases may be larger than the variable that was asked for. */
  #relocationsOfVariables(): DynamicRelocation[] {
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const symbol of this.#variables) {
      start = Math.min(start, symbol.value);
      end = Math.max(end, symbol.value + symbol.size);
      for (const { size } of this.aliasesOf(symbol)) end = Math.max(end, symbol.value + size);
    }
    return this.#library.relocationsIn(start, end).sort((a, b) => a.address - b.address);
  }

  #anyFunction(): DynamicSymbol {
    for (const symbol of this.#library.symbols()) {
      if (symbol.type !== STT_FUNC || symbol.bind !== STB_GLOBAL || !symbol.isDefaultVersion) continue;
      if (!this.#isInterposed(symbol.name)) return symbol;
    }
    throw new LinkError("link", `${this.#library.file}: exports no function by which its load address could be known`);
  }
}
