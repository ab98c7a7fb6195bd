import { R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_RELATIVE } from "../arch/x86_64.ts";
import { LinkError } from "../errors.ts";
import type { DynamicSymbol, SharedLibrary } from "../formats/elf/shared-library.ts";
import type { DataCopy } from "./anchor.ts";
import { LibraryData } from "./library-data.ts";

const encoder = new TextEncoder();

/** A variable of a library, and the identifier of the name by which a job refers to it. */
export interface LibraryVariable {
  readonly id: number;
  readonly symbol: DynamicSymbol;
  readonly library: SharedLibrary;
}

/** One copy of each variable, however many names it is referred to by. */
export function copiesOf(variables: readonly LibraryVariable[], isInterposed: (name: string) => boolean): DataCopy[] {
  const groups = new Map<string, LibraryVariable[]>();
  const symbols = new Map<SharedLibrary, DynamicSymbol[]>();
  for (const variable of variables) {
    const key = `${variable.symbol.value} ${variable.library.file}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [variable]);
    else group.push(variable);
    const ofLibrary = symbols.get(variable.library);
    if (ofLibrary === undefined) symbols.set(variable.library, [variable.symbol]);
    else ofLibrary.push(variable.symbol);
  }
  const sources = new Map<SharedLibrary, LibraryData>();
  for (const [library, ofLibrary] of symbols) sources.set(library, new LibraryData(library, ofLibrary, isInterposed));
  return [...groups.values()].map((group) => copyOfData(group, sources.get(group[0]!.library)!));
}

/**
 * A copy of a library's variable for the anchor, with what the loader would write into the original (the counterpart of
 * R_X86_64_COPY in an ordinary executable; psABI 4.4.1). The library itself will bind to the copy, as the anchor comes first
 * in its scope.
 */
function copyOfData(variables: readonly LibraryVariable[], source: LibraryData): DataCopy {
  const [{ symbol, library }] = variables as [LibraryVariable];
  const { value, name } = symbol;
  const symbols = [...variables.map((each) => each.symbol), ...source.aliasesOf(symbol)];
  // Names of different sizes: all have to be in the copy.
  const size = symbols.reduce((most, each) => Math.max(most, each.size), 0);
  const names = new Set(symbols.map((each) => each.name));
  names.delete(name);
  const pointers: { offset: number; symbol: Uint8Array; addend: number }[] = [];
  for (const relocation of source.relocationsIn(value, value + size)) {
    const offset = relocation.address - value;
    if (relocation.type === R_X86_64_RELATIVE) {
      const { base } = source;
      pointers.push({ offset, symbol: encoder.encode(base.name), addend: relocation.addend - base.value });
    } else if (relocation.type === R_X86_64_64 || relocation.type === R_X86_64_GLOB_DAT) {
      const target = library.symbolAt(relocation.symbolIndex);
      pointers.push({ offset, symbol: encoder.encode(target.name), addend: relocation.addend });
    } else {
      throw new LinkError(
        "link",
        `${library.file}: ${name} cannot be copied: it holds a relocation of type ${relocation.type}`,
      );
    }
  }
  return {
    ids: variables.map(({ id }) => id),
    name: encoder.encode(name),
    size,
    alignment: alignmentOf(value),
    contents: library.bytesAt(value, size),
    aliases: [...names].map((each) => encoder.encode(each)),
    pointers,
    exported: true,
  };
}

/** A copy of a constant of a library that is loaded already: its bytes as they are in memory, for the job alone. */
export function copyOfLiveData(id: number, symbol: DynamicSymbol, contents: Uint8Array): DataCopy {
  return {
    ids: [id],
    name: encoder.encode(symbol.name),
    size: symbol.size,
    alignment: alignmentOf(symbol.value),
    contents,
    aliases: [],
    pointers: [],
    exported: false,
  };
}

/** The variable keeps the alignment it has in the library, up to a cache line. */
function alignmentOf(value: number): number {
  let alignment = 1;
  while (alignment < 64 && value % (2 * alignment) === 0) alignment *= 2;
  return alignment;
}
