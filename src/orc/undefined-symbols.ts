import { hex } from "../bytes/address.ts";
import { LinkError } from "../errors.ts";
import { RELA_SIZE, STT_FUNC, STT_TLS } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { DuplicateDefinition } from "./symbol-resolution.ts";

/** How many referrers are named for each symbol; the rest is counted. */
const shownReferences = 3;

/** One place that refers to a symbol. */
export interface SymbolReference {
  readonly file: string;
  readonly section: string;
  readonly offset: number;
  /** The function that the place belongs to, when the object's symbol table says so. */
  readonly functionName: string | undefined;
}

/** A name that nothing defines, and every place that refers to it. */
export interface UndefinedSymbol {
  readonly name: string;
  readonly references: readonly SymbolReference[];
  /** Why something that looks like a definition is none. */
  readonly note?: string | undefined;
}

/** Names that nothing defines, all of them at once, each with who refers to it. */
export class UndefinedSymbolsError extends LinkError {
  readonly symbols: readonly UndefinedSymbol[];

  constructor(symbols: readonly UndefinedSymbol[]) {
    super("undefined-symbol", symbols.map(describe).join("\n"));
    this.symbols = symbols;
  }
}

/** Looks through all relocations for the references to `names` (identifiers) and makes the error. */
export function undefinedSymbols(tables: GraphTables, names: readonly number[]): UndefinedSymbolsError {
  const { sections, symbols, graphs, pool } = tables;
  const references = new Map<number, SymbolReference[]>(names.map((id) => [id, []]));
  for (let row = 0; row < sections.count; row++) {
    const count = sections.relocationCount[row]!;
    if (count === 0) continue;
    const graph = graphs[sections.graph[row]!]!;
    const entries = graph.relocationEntries(row);
    const first = sections.relocations[row]!;
    for (let i = 0; i < count; i++) {
      const symbol = entries.getUint32(first + i * RELA_SIZE + 12, true);
      if (symbol >= graph.symbolCount) continue;
      const list = references.get(symbols.id[graph.firstSymbol + symbol]!);
      const offset = entries.getUint32(first + i * RELA_SIZE, true);
      if (list === undefined) continue;
      // Only those that are shown need more than a count.
      const functionName = list.length < shownReferences ? functionAt(graph, row, offset) : undefined;
      list.push({ file: graph.name, section: graph.sectionName(row), offset, functionName });
    }
  }
  const sorted = names.map((id) => ({ name: pool.name(id), references: references.get(id)! }));
  return new UndefinedSymbolsError(sorted.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

/** Strong definitions of the same names, both places named. */
export function duplicateSymbols(tables: GraphTables, duplicates: readonly DuplicateDefinition[]): LinkError {
  const lines = duplicates.map(
    ({ id, first, second }) =>
      `duplicate symbol: ${tables.pool.name(id)}\n>>> defined in ${first.name}\n>>> defined in ${second.name}`,
  );
  return new LinkError("duplicate-symbol", lines.join("\n"));
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
  const lines = names.flatMap((id) => {
    const sides: (string | undefined)[] = [undefined, undefined];
    if (elsewhere !== undefined) sides[elsewhere.isThreadLocal ? 1 : 0] = `defined in ${elsewhere.name}`;
    for (const graph of graphs) {
      for (let row = graph.firstSymbol + graph.localCount; row < graph.firstSymbol + graph.symbolCount; row++) {
        if (symbols.id[row] !== id) continue;
        const side = (symbols.info[row]! & 0xf) === STT_TLS ? 1 : 0;
        const does = symbols.section[row] === SymbolPlace.undefined ? "referenced by" : "defined in";
        sides[side] ??= `${does} ${graph.name}`;
      }
    }
    return [
      `${pool.name(id)} is thread-local in one place and not in another`,
      `>>> as thread-local ${sides[1]}`,
      `>>> as an ordinary symbol ${sides[0]}`,
    ];
  });
  return new LinkError("link", lines.join("\n"));
}

/** The function symbol whose extent holds the offset of a section. */
function functionAt(graph: LinkGraph, section: number, offset: number): string | undefined {
  const { symbols } = graph.tables;
  for (let index = 0; index < graph.symbolCount; index++) {
    const row = graph.firstSymbol + index;
    if (symbols.section[row] !== section || (symbols.info[row]! & 0xf) !== STT_FUNC) continue;
    const start = symbols.value[row]!;
    if (offset >= start && offset < start + graph.symbolSize(index)) return graph.symbolName(index);
  }
  return undefined;
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
