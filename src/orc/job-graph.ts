import { relocationRow } from "../arch/x86_64.ts";
import { RELA_SIZE } from "../formats/elf/constants.ts";
import {
  type SymbolBinding,
  type SymbolVisibility,
  symbolBindings,
  symbolVisibilities,
} from "../formats/elf/editable-symbol.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import type { LinkJob } from "./link-job.ts";

/** How far a job has come: what is known. */
export type JobStage = "postPrune" | "postAllocation" | "preFixup" | "postFixup";

/** A section of an object that is being linked. */
export interface JobSection {
  /** As the file has it; "COMMON" for the room of a common symbol. */
  readonly name: string;
  /** What it is to the linker, as of `EditableSection`. */
  readonly kind: keyof typeof SectionKind;
  /** In bytes. */
  readonly size: number;
  /** In bytes, a power of two. */
  readonly alignment: number;
  /** In the executor, from `postAllocation` on; undefined before, and for thread-local sections, which have one in every thread. */
  readonly address: number | undefined;
  /**
   * In `preFixup` and `postFixup` the contents themselves, to be read and written; before, a copy of the file's. Empty for zero-fill.
   */
  readonly bytes: Uint8Array;
  /** Those of its bytes, in the order of the file. */
  readonly relocations: readonly JobRelocation[];
}

/** A symbol of an object that is being linked. */
export interface JobSymbol {
  /** As the symbol table has it, without a symbol version. */
  readonly name: string;
  /** The section that has it. */
  readonly section: JobSection | undefined;
  /** This object's definition is the one that the name stands for; for local symbols, it has one. */
  readonly isDefined: boolean;
  /** In bytes. */
  readonly size: number;
  /** STB_* of the symbol table (gABI 4, "Symbol Table"). */
  readonly binding: SymbolBinding;
  /** STV_* of the symbol table. */
  readonly visibility: SymbolVisibility;
  /**
   * In the executor: of definitions from `postAllocation` on, of references from `preFixup` on. undefined before, and for thread-local
   * symbols.
   */
  readonly address: number | undefined;
}

/** A relocation of a section that is being linked. */
export interface JobRelocation {
  /** In the section, in bytes. */
  readonly offset: number;
  /** The psABI's name, `R_X86_64_PC32`. */
  readonly kind: string;
  /** What it refers to: S in the psABI's expressions. */
  readonly symbol: JobSymbol;
  /** With all its 64 bits: A in the psABI's expressions. */
  readonly addend: bigint;
}

/** An object of a job on its way, as its passes see it. */
export class JobGraph {
  readonly #job: LinkJob;
  readonly #graph: LinkGraph;
  readonly #stage: JobStage;
  #sections: JobSection[] | undefined;
  readonly #rows = new Map<number, JobSection>();

  constructor(job: LinkJob, graph: LinkGraph, stage: JobStage) {
    this.#job = job;
    this.#graph = graph;
    this.#stage = stage;
  }

  /** What errors call it: `main.o`, `libfoo.a(bar.o)`. */
  get name(): string {
    return this.#graph.name;
  }

  /** The sections that become part of the program. */
  get sections(): readonly JobSection[] {
    if (this.#sections !== undefined) return this.#sections;
    const { sections } = this.#job.tables;
    const { firstSection, sectionCount, index } = this.#graph;
    const rows = Array.from({ length: sectionCount }, (_, i) => firstSection + i);
    const graphs = this.#job.tables.graphs;
    const last = graphs.at(-1)!;
    // Common symbols got theirs behind all others.
    for (let row = last.firstSection + last.sectionCount; row < sections.count; row++) rows.push(row);
    this.#sections = rows
      .filter((row) => sections.graph[row] === index && isOfProgram(sections.kind[row]!))
      .map((row) => this.#section(row));
    return this.#sections;
  }

  /** All symbols with names. */
  *symbols(): Generator<JobSymbol, void, undefined> {
    for (let i = 1; i < this.#graph.symbolCount; i++) {
      const symbol = this.#symbol(i);
      if (symbol.name !== "") yield symbol;
    }
  }

  /** The symbol with this name; a global one before a local one. */
  symbol(name: string): JobSymbol | undefined {
    let local: JobSymbol | undefined;
    for (const symbol of this.symbols()) {
      if (symbol.name !== name) continue;
      if (symbol.binding !== "local") return symbol;
      local ??= symbol;
    }
    return local;
  }

  #section(row: number): JobSection {
    let section = this.#rows.get(row);
    if (section === undefined) {
      section = this.#makeSection(row);
      this.#rows.set(row, section);
    }
    return section;
  }

  #makeSection(row: number): JobSection {
    const { tables } = this.#job;
    const { sections } = tables;
    const graph = this.#graph;
    const kind = sections.kind[row]!;
    const isCommon = row >= graph.firstSection + graph.sectionCount;
    const isThreadLocal = kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill;
    const isPlaced = this.#stage !== "postPrune" && !isThreadLocal;
    const graphOfJob = this;
    return {
      name: isCommon ? "COMMON" : graph.sectionName(row),
      kind: kindName(kind),
      size: sections.size[row]!,
      alignment: sections.alignment[row]!,
      address: isPlaced ? sections.address[row] : undefined,
      get bytes() {
        return graphOfJob.#bytes(row);
      },
      get relocations() {
        return graphOfJob.#relocations(row);
      },
    };
  }

  #bytes(row: number): Uint8Array {
    const { tables, alloc } = this.#job;
    const { sections } = tables;
    const { reader } = this.#graph;
    const kind = sections.kind[row]!;
    const size = sections.size[row]!;
    const isZero =
      kind === SectionKind.zeroFill || kind === SectionKind.largeZeroFill || kind === SectionKind.tlsZeroFill;
    if (isZero || sections.content[row] === -1) return new Uint8Array();
    if (this.#stage === "postPrune" || this.#stage === "postAllocation") {
      return reader.bytes(sections.content[row]! - reader.start, size, "section").slice();
    }
    const image = kind === SectionKind.tlsData ? this.#job.tlsImage : 0;
    const at = image + sections.address[row]! - alloc.memory.base;
    return alloc.memory.bytes.subarray(at, at + size);
  }

  #relocations(row: number): JobRelocation[] {
    const { sections } = this.#job.tables;
    const graph = this.#graph;
    const relocations: JobRelocation[] = [];
    if (sections.relocationCount[row] === 0) return relocations;
    const entries = graph.relocationEntries(row);
    for (let i = 0; i < sections.relocationCount[row]!; i++) {
      const at = sections.relocations[row]! + RELA_SIZE * i;
      const type = entries.getUint32(at + 8, true);
      relocations.push({
        offset: Number(entries.getBigUint64(at, true)),
        kind: relocationRow(type)?.name ?? `type ${type}`,
        symbol: this.#symbol(entries.getUint32(at + 12, true)),
        addend: entries.getBigInt64(at + 16, true),
      });
    }
    return relocations;
  }

  #symbol(index: number): JobSymbol {
    const { tables, resolution } = this.#job;
    const { symbols, sections } = tables;
    const graph = this.#graph;
    if (index >= graph.symbolCount) graph.reader.fail(`symbol ${index}, the file has ${graph.symbolCount}`);
    const row = graph.firstSymbol + index;
    const id = symbols.id[row]!;
    const info = symbols.info[row]!;
    const place = symbols.section[row]!;
    const isDefined = id >= 0 ? resolution.definition[id] === row + 1 : place !== SymbolPlace.undefined && index > 0;
    const isThreadLocal = (info & 0xf) === 6;
    const isKnown = isDefined ? this.#stage !== "postPrune" : this.#stage === "preFixup" || this.#stage === "postFixup";
    const value = symbols.value[row]!;
    const hasSection = place >= 0 && isOfProgram(sections.kind[place]!);
    return {
      name: graph.symbolName(index),
      section: hasSection ? this.#section(place) : undefined,
      isDefined,
      size: graph.symbolSize(index),
      binding: nameOf(symbolBindings, (info >> 4) & 0xf),
      visibility: nameOf(symbolVisibilities, (info >> 8) & 3),
      address: isKnown && !isThreadLocal && !Number.isNaN(value) ? value : undefined,
    };
  }
}

function isOfProgram(kind: number): boolean {
  return kind !== SectionKind.none && kind !== SectionKind.discarded;
}

function kindName(kind: number): keyof typeof SectionKind {
  return nameOf(SectionKind, kind);
}

function nameOf<T extends string>(values: Readonly<Record<T, number>>, value: number): T {
  return (Object.keys(values) as T[]).find((name) => values[name] === value)!;
}
