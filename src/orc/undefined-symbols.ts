import { hex } from "../bytes/address.ts";
import { LinkError } from "../errors.ts";
import { RELA_SIZE, STT_TLS } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { FunctionsOfGraph } from "./functions-of-graph.ts";
import type { DuplicateDefinition } from "./symbol-resolution.ts";

/** How many referrers are named for each symbol; the rest is counted. */
const shownReferences = 3;

/** How many symbols a message names; the error has all of them as data. */
const shownSymbols = 100;

/** One place that refers to a symbol. */
export interface SymbolReference {
  /** The object, with its archive. */
  readonly file: string;
  /** The section that the reference is in. */
  readonly section: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** The function that the place belongs to, when the object's symbol table says so. */
  readonly functionName: string | undefined;
}

/** A name that nothing defines, and every place that refers to it. */
export interface UndefinedSymbol {
  /** As the symbol table has it. */
  readonly name: string;
  /** Who refers to it. */
  readonly references: readonly SymbolReference[];
  /** Why something that looks like a definition is none. */
  readonly note?: string | undefined;
}

/** Names that nothing defines, all of them at once, each with who refers to it. */
export class UndefinedSymbolsError extends LinkError {
  /** All of them. */
  readonly symbols: readonly UndefinedSymbol[];

  constructor(symbols: readonly UndefinedSymbol[]) {
    super("undefined-symbol", sentences(symbols, describe, "undefined symbols"));
    this.symbols = symbols;
  }
}

/** Looks through all relocations for the references to `names` (identifiers) and makes the error. */
export function undefinedSymbols(tables: GraphTables, names: readonly number[]): UndefinedSymbolsError {
  const { sections, symbols, graphs, pool } = tables;
  const references = new Map<number, SymbolReference[]>(names.map((id) => [id, []]));
  const functions = new Map<LinkGraph, FunctionsOfGraph>();
  const functionAt = (graph: LinkGraph, row: number, offset: number): string | undefined => {
    let known = functions.get(graph);
    if (known === undefined) {
      known = new FunctionsOfGraph(graph);
      functions.set(graph, known);
    }
    return known.at(row, offset);
  };
  for (let row = 0; row < sections.count; row++) {
    const count = sections.relocationCount[row]!;
    if (count === 0) continue;
    const graph = graphs[sections.graph[row]!]!;
    const entries = graph.relocationEntries(row);
    const first = sections.relocations[row]!;
    let section: string | undefined;
    for (let i = 0; i < count; i++) {
      const symbol = entries.getUint32(first + i * RELA_SIZE + 12, true);
      if (symbol >= graph.symbolCount) continue;
      const list = references.get(symbols.id[graph.firstSymbol + symbol]!);
      const offset = entries.getUint32(first + i * RELA_SIZE, true);
      if (list === undefined) continue;
      const functionName = functionAt(graph, row, offset);
      section ??= graph.sectionName(row);
      list.push({ file: graph.name, section, offset, functionName });
    }
  }
  const sorted = names.map((id) => ({ name: pool.name(id), references: references.get(id)! }));
  return new UndefinedSymbolsError(sorted.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

/** Strong definitions of the same names, both places named. */
export function duplicateSymbols(tables: GraphTables, duplicates: readonly DuplicateDefinition[]): LinkError {
  const sentence = ({ id, first, second }: DuplicateDefinition): string =>
    `duplicate symbol: ${tables.pool.name(id)}\n>>> defined in ${first.name}\n>>> defined in ${second.name}`;
  return new LinkError("duplicate-symbol", sentences(duplicates, sentence, "duplicate symbols"));
}

/**
 * Names that are thread-local to some and ordinary to others: whichever way they were linked, one side would use a wrong
 * place. `elsewhere`: the library that defines them, and whether it does so as thread-local.
 */
export function threadLocalMismatches(
  tables: GraphTables,
  names: readonly number[],
  elsewhere?: { readonly name: string; readonly isThreadLocal: boolean },
): LinkError {
  const { graphs, symbols, pool } = tables;
  const other = elsewhere && `defined in ${elsewhere.name}`;
  /** Who takes each name for an ordinary symbol, and who for a thread-local one. */
  const sides = new Map<number, [string | undefined, string | undefined]>(
    names.map((id) => [id, elsewhere?.isThreadLocal ? [undefined, other] : [other, undefined]]),
  );
  for (const graph of graphs) {
    for (let row = graph.firstSymbol + graph.localCount; row < graph.firstSymbol + graph.symbolCount; row++) {
      const known = sides.get(symbols.id[row]!);
      if (known === undefined) continue;
      const side = (symbols.info[row]! & 0xf) === STT_TLS ? 1 : 0;
      const does = symbols.section[row] === SymbolPlace.undefined ? "referenced by" : "defined in";
      known[side] ??= `${does} ${graph.name}`;
    }
  }
  const sentence = (id: number): string => {
    const [ordinary, threadLocal] = sides.get(id)!;
    return [
      `${pool.name(id)} is thread-local in one place and not in another`,
      `>>> as thread-local ${threadLocal}`,
      `>>> as an ordinary symbol ${ordinary}`,
    ].join("\n");
  };
  return new LinkError("link", sentences(names, sentence, "names that are thread-local in one place only"));
}

/** What there is to say of each symbol, one under the other, up to a number that a person will look at. */
function sentences<T>(symbols: readonly T[], sentence: (symbol: T) => string, what: string): string {
  const lines = symbols.slice(0, shownSymbols).map(sentence);
  if (symbols.length > shownSymbols) lines.push(`… and ${symbols.length - shownSymbols} more ${what}`);
  return lines.join("\n");
}

function describe({ name, references, note }: UndefinedSymbol): string {
  const lines = [`undefined symbol: ${name}`];
  if (references.length === 0 && note === undefined) lines.push(">>> looked up by name, as an entry point is");
  for (const { file, section, offset, functionName } of references.slice(0, shownReferences)) {
    lines.push(`>>> referenced by ${file}:(${functionName ?? `${section}+${hex(offset)}`})`);
  }
  if (references.length > shownReferences)
    lines.push(`>>> referenced ${references.length - shownReferences} more times`);
  if (note !== undefined) lines.push(`>>> ${note}`);
  return lines.join("\n");
}
