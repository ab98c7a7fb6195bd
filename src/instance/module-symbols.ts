import { buildLinkGraph } from "../formats/elf/build-link-graph.ts";
import { STT_FUNC, STT_GNU_IFUNC, STT_TLS } from "../formats/elf/constants.ts";
import { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { Input } from "../inputs/input.ts";

/** A symbol that a module defines for others, or wants from them. */
export interface ModuleSymbol {
  /** As the symbol table has it. */
  readonly name: string;
  /** `symbol`: the object does not say (assembler without `.type`, undefined symbols), or it is a member of an archive. */
  readonly kind: "function" | "variable" | "thread-local" | "symbol";
  /** In bytes, as the symbol table has it; absent where it is not known. */
  readonly size?: number;
  /** The object or archive. */
  readonly file: string;
  /** Another definition may take its place. */
  readonly isWeak: boolean;
}

/** A section of one of a module's objects that becomes part of the program's memory. */
export interface ModuleSection {
  /** Such as `.text`. */
  readonly name: string;
  /** The object, with `(member)` behind an archive's path. */
  readonly file: string;
  /** What it is to the linker. */
  readonly kind: "code" | "read-only" | "data" | "zero-fill" | "thread-local" | "frames" | "function-array";
  /** In bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly alignment: number;
}

/** What a module's objects and archives say of themselves. */
export interface ModuleContents {
  /** What is left undefined. */
  readonly imports: readonly ModuleSymbol[];
  /** What is defined for others. */
  readonly exports: readonly ModuleSymbol[];
  /** What becomes memory of the program. */
  readonly sections: readonly ModuleSection[];
}

const STB_WEAK = 2;

const SECTION_KINDS: Readonly<Record<number, ModuleSection["kind"]>> = {
  [SectionKind.code]: "code",
  [SectionKind.writableCode]: "code",
  [SectionKind.readOnly]: "read-only",
  [SectionKind.data]: "data",
  [SectionKind.zeroFill]: "zero-fill",
  [SectionKind.largeZeroFill]: "zero-fill",
  [SectionKind.tlsData]: "thread-local",
  [SectionKind.tlsZeroFill]: "thread-local",
  [SectionKind.ehFrame]: "frames",
  [SectionKind.functionArray]: "function-array",
};

/** Reads the symbol and section tables of all objects and the indexes of all archives; nothing is linked. */
export function readContents(inputs: readonly Input[]): ModuleContents {
  const tables = new GraphTables();
  const wanted = new Map<string, ModuleSymbol>();
  const defined = new Map<string, ModuleSymbol>();
  const sections: ModuleSection[] = [];
  for (const input of inputs) {
    if (input.kind === "object") {
      const graph = buildLinkGraph(tables, input.reader);
      readSections(graph, sections);
      readSymbols(graph, wanted, defined);
    } else if (input.kind === "archive") {
      const { index } = input.archive;
      for (let i = 0; i < (index?.count ?? 0); i++) {
        const name = index!.nameAt(i);
        if (!defined.has(name)) defined.set(name, { name, kind: "symbol", file: input.name, isWeak: false });
      }
    }
  }
  return {
    imports: [...wanted.values()].filter(({ name }) => !defined.has(name)),
    exports: [...defined.values()],
    sections,
  };
}

function readSections(graph: LinkGraph, into: ModuleSection[]): void {
  const { sections } = graph.tables;
  for (let row = graph.firstSection; row < graph.firstSection + graph.sectionCount; row++) {
    const kind = SECTION_KINDS[sections.kind[row]!];
    if (kind === undefined || sections.size[row] === 0) continue;
    const [size, alignment] = [sections.size[row]!, sections.alignment[row]!];
    into.push({ name: graph.sectionName(row), file: graph.name, kind, size, alignment });
  }
}

function readSymbols(graph: LinkGraph, wanted: Map<string, ModuleSymbol>, defined: Map<string, ModuleSymbol>): void {
  const { symbols } = graph.tables;
  for (let index = Math.max(graph.localCount, 1); index < graph.symbolCount; index++) {
    const row = graph.firstSymbol + index;
    const info = symbols.info[row]!;
    const isWeak = ((info >> 4) & 0xf) === STB_WEAK;
    const name = graph.symbolName(index);
    const symbol = { name, kind: kindOf(info & 0xf), file: graph.name, isWeak };
    if (symbols.section[row] === SymbolPlace.undefined) {
      if (name !== "_GLOBAL_OFFSET_TABLE_" && !wanted.has(name)) wanted.set(name, symbol);
      continue;
    }
    const visibility = (info >> 8) & 3;
    if (visibility !== 0 && visibility !== 3) continue; // hidden and internal symbols are the object's own
    const before = defined.get(name);
    if (before === undefined || (before.isWeak && !isWeak))
      defined.set(name, { ...symbol, size: graph.symbolSize(index) });
  }
}

function kindOf(type: number): ModuleSymbol["kind"] {
  if (type === STT_FUNC || type === STT_GNU_IFUNC) return "function";
  if (type === STT_TLS) return "thread-local";
  return type === 0 ? "symbol" : "variable";
}
