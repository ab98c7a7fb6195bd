import type { AddressRange } from "../bytes/address.ts";
import { STT_FUNC, STT_NOTYPE, STT_OBJECT, SYM_SIZE } from "../formats/elf/constants.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { ElfFile, type Section } from "./elf-file.ts";
import { type FrameDescription, type FrameSection, findFrame } from "./frame-description.ts";

/** Linked memory that a crash may have been in: the tables of a job, and where its stubs are. */
export interface LinkedMemory {
  readonly tables: GraphTables;
  readonly stubs: AddressRange;
}

/** Where an address is in an object that was linked. */
export interface PlaceInObject {
  readonly graph: LinkGraph;
  /** Row of the section, and how far the address is in it. */
  readonly row: number;
  readonly offset: number;
  readonly object: string;
  readonly section: string;
  /** As the object has it, with the distance from its start. */
  readonly symbol?: { readonly name: string; readonly offset: number };
}

const notInMemory: ReadonlySet<number> = new Set([
  SectionKind.none,
  SectionKind.discarded,
  SectionKind.tlsData,
  SectionKind.tlsZeroFill,
]);

/** Sizes of relocated fields, by relocation type: R_X86_64_64, R_X86_64_32. */
const fieldSizes: Record<number, number> = { 1: 8, 10: 4 };

/**
 * Finds names, frames and debug information of linked code in the objects it came from. Nothing is prepared: a program that does not
 * crash pays for none of it.
 */
export class LinkedCode {
  readonly #jobs: readonly LinkedMemory[];
  readonly #files = new Map<LinkGraph, ElfFile | undefined>();
  /** What has been found: a recursion asks for the same again and again. */
  readonly #places = new Map<number, PlaceInObject | undefined>();
  readonly #frames = new Map<number, FrameDescription | undefined>();
  readonly #frameSections = new Map<LinkGraph, FrameSection[]>();
  readonly #debugSections = new Map<string, Uint8Array | undefined>();

  constructor(jobs: Iterable<LinkedMemory>) {
    this.#jobs = [...jobs];
  }

  /** Whether a job made a stub there, through which code reaches what is far away. */
  isStub(address: number): boolean {
    return this.#jobs.some(({ stubs }) => address >= stubs.start && address < stubs.end);
  }

  /** The section and the symbol at an address; undefined where there is no linked memory. */
  place(address: number): PlaceInObject | undefined {
    return remember(this.#places, address, () => this.#place(address));
  }

  #place(address: number): PlaceInObject | undefined {
    for (const { tables } of this.#jobs) {
      const { sections } = tables;
      for (let row = 0; row < sections.count; row++) {
        const offset = address - sections.address[row]!;
        if (!(offset >= 0 && offset < sections.size[row]!) || notInMemory.has(sections.kind[row]!)) continue;
        const graph = tables.graphs[sections.graph[row]!];
        if (graph === undefined || row < graph.firstSection || row >= graph.firstSection + graph.sectionCount) continue;
        const symbol = nearestSymbol(graph, row, address);
        return { graph, row, offset, object: graph.name, section: graph.sectionName(row), symbol };
      }
    }
    return undefined;
  }

  /** The object's sections; undefined where they cannot be read. */
  file(graph: LinkGraph): ElfFile | undefined {
    return remember(this.#files, graph, () => openFile(graph));
  }

  frame(pc: number): FrameDescription | undefined {
    return remember(this.#frames, pc, () => {
      const graph = this.place(pc)?.graph;
      if (graph === undefined) return undefined;
      for (const section of remember(this.#frameSections, graph, () => this.#readFrameSections(graph))) {
        const found = findFrame(section, pc);
        if (found !== undefined) return found;
      }
      return undefined;
    });
  }

  #readFrameSections(graph: LinkGraph): FrameSection[] {
    const file = this.file(graph);
    const found: FrameSection[] = [];
    for (const section of file?.sections ?? []) {
      const bytes = section.name === ".eh_frame" ? file!.contents(section) : undefined;
      if (bytes === undefined) continue;
      const pointers = new Map<number, number>();
      file!.forEachRelocation(section, (offset, _, symbol, addend) => {
        const address = addressOf(graph, symbol);
        if (address !== undefined) pointers.set(offset, address + addend);
      });
      found.push({ bytes, address: 0, relocated: (at) => pointers.get(at) });
    }
    return found;
  }

  /** A section of debug information with its relocations applied: addresses as the code had them, offsets into other sections. */
  debugSection(graph: LinkGraph, name: string): Uint8Array | undefined {
    return remember(
      this.#debugSections,
      `${graph.index} ${name} ${this.#jobs.findIndex(({ tables }) => tables === graph.tables)}`,
      () => this.#readDebugSection(graph, name),
    );
  }

  #readDebugSection(graph: LinkGraph, name: string): Uint8Array | undefined {
    const file = this.file(graph);
    const section = file?.section(name);
    const contents = section === undefined ? undefined : file!.contents(section);
    if (contents === undefined) return undefined;
    const bytes = new Uint8Array(contents); // a copy: slice() of a Buffer is none
    const view = new DataView(bytes.buffer);
    file!.forEachRelocation(section!, (offset, type, symbol, addend) => {
      const size = fieldSizes[type];
      if (size === undefined || offset + size > bytes.length) return;
      const value = BigInt(relocatedValue(graph, file!.sections, symbol) + addend);
      if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
      else view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
    });
    return bytes;
  }
}

function remember<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  if (!known.has(key)) known.set(key, find());
  return known.get(key) as V;
}

function openFile(graph: LinkGraph): ElfFile | undefined {
  try {
    return new ElfFile(graph.reader);
  } catch {
    return undefined;
  }
}

/** The address of a symbol given by its index in the file; undefined when it is not in the process's memory. */
function addressOf(graph: LinkGraph, index: number): number | undefined {
  if (index >= graph.symbolCount) return undefined;
  const { sections, symbols } = graph.tables;
  const row = graph.firstSymbol + index;
  const section = symbols.section[row]!;
  if (section < 0 || notInMemory.has(sections.kind[section]!)) return undefined;
  return symbols.value[row]!;
}

/** The same, or the symbol's place in a section of debug information. Code that was left out has the address 0, where there is none. */
function relocatedValue(graph: LinkGraph, sections: readonly Section[], index: number): number {
  if (index >= graph.symbolCount) return 0;
  const { tables } = graph;
  const section = tables.symbols.section[graph.firstSymbol + index]!;
  if (section === SymbolPlace.discarded) return 0;
  const header = section < 0 ? undefined : sections[section - graph.firstSection];
  const isLoaded = header !== undefined && (header.flags & 2) !== 0;
  return isLoaded ? (addressOf(graph, index) ?? 0) : Number(graph.symbolValue(index));
}

/** The function the address is in; else what begins last before it. */
function nearestSymbol(graph: LinkGraph, section: number, address: number): PlaceInObject["symbol"] {
  const { symbols } = graph.tables;
  let best = -1;
  let bestRank = Number.POSITIVE_INFINITY;
  for (let index = 1; index < graph.symbolCount; index++) {
    const row = graph.firstSymbol + index;
    const type = symbols.info[row]! & 15;
    const distance = address - symbols.value[row]!;
    if (symbols.section[row] !== section || distance < 0) continue;
    if (type !== STT_FUNC && type !== STT_OBJECT && type !== STT_NOTYPE) continue;
    const isInside = distance < graph.symbolSize(index);
    const rank = distance + (isInside ? 0 : 2 ** 40) + (type === STT_NOTYPE ? 2 ** 41 : 0);
    if (rank >= bestRank || !hasName(graph, index)) continue;
    best = index;
    bestRank = rank;
  }
  if (best < 0) return undefined;
  return { name: graph.symbolName(best), offset: address - symbols.value[graph.firstSymbol + best]! };
}

function hasName(graph: LinkGraph, index: number): boolean {
  return graph.reader.view.getUint32(graph.symbolEntries + SYM_SIZE * index, true) !== 0;
}
