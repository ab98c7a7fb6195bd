import type { AddressRange } from "../bytes/address.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import type { Externals } from "../link/externals.ts";
import type { Layout } from "../link/layout.ts";
import type { FinalizedAlloc } from "../memory/jitlink-memory-manager.ts";
import { traitsOfRow } from "./definition-traits.ts";
import { detachTables, disposeTables } from "./detach-tables.ts";
import type { FilledSlot } from "./filled-slots.ts";
import type { Interposition } from "./interposition.ts";
import type { DefinitionTraits, LinkedDefinitions } from "./jit-dylib.ts";
import type { PhaseTime } from "./link-times.ts";
import type { ResourceTracker } from "./resource-tracker.ts";
import type { SymbolResolution } from "./symbol-resolution.ts";

/** An object that was added to the JITDylib and is part of a job. */
export interface LinkedObject {
  /** undefined: the default one. */
  tracker: ResourceTracker | undefined;
  /** What was read of it. */
  readonly graph: LinkGraph;
}

/** How much was linked. */
export interface LinkCounts {
  /** Members of archives included. */
  readonly objects: number;
  /** Archives that were read. */
  readonly archives: number;
  /** Relocation entries that were applied. */
  readonly relocations: number;
  /** Bytes of contents. */
  readonly bytesCopied: number;
  /** Mappings in the executor. */
  readonly mappings: number;
  /** Times that the executor changed the protection of one. */
  readonly protectionChanges: number;
}

/** @internal What a job is whichever executor it is in. */
export type LinkedContents = Pick<
  LinkedJob,
  | "tables"
  | "resolution"
  | "layout"
  | "visibleData"
  | "externals"
  | "libraries"
  | "hasThreads"
  | "warnings"
  | "interposition"
  | "phases"
  | "counts"
>;

/** @internal What belongs to one executor. */
export type LinkedPlace = Pick<LinkedJob, "alloc" | "image" | "objects" | "uses" | "isCopy">;

/** A link job that is in the executor, ready to run. */
export class LinkedJob implements LinkedDefinitions {
  /** What was added to the JITDylib; all else came from archives, or from plugins. */
  readonly objects: LinkedObject[];
  /** Jobs that define what this one refers to, and the names. */
  readonly uses: Map<LinkedDefinitions, Set<string>>;
  /** @internal Slots that lead to what it defines; they are emptied when it goes. */
  readonly filledSlots = new Set<FilledSlot>();
  /** Sections and symbols of all its objects, by rows. */
  readonly tables: GraphTables;
  /** @internal */
  readonly resolution: SymbolResolution;
  /** @internal */
  readonly layout: Layout;
  /** Its memory. */
  readonly alloc: FinalizedAlloc;
  /** It was not linked, but copied from the executor of another session. */
  readonly isCopy: boolean;
  /** Handle of the image that gives it to the dynamic loader. */
  readonly image: number;
  /** Whole pages of data and zero-fill that this process sees as the program does; undefined where it does not. */
  readonly visibleData: AddressRange | undefined;
  /** @internal */
  readonly externals: Externals;
  /** Shared libraries that it uses, as the loader was asked for them. */
  readonly libraries: readonly string[];
  /** Threads have been started to share the work. */
  readonly hasThreads: boolean;
  /** What the inputs get although it weakens the process, a sentence each. */
  readonly warnings: readonly string[];
  /** @internal Has to run before the program, when libraries refer to what it defines. */
  readonly interposition: Interposition | undefined;
  /** Wall time of the steps, in their order. */
  readonly phases: readonly Readonly<PhaseTime>[];
  /** How much was linked. */
  readonly counts: LinkCounts;
  #state: "linked" | "settled" | "removed";

  /** @internal */
  constructor(contents: LinkedContents, place: LinkedPlace, state: "linked" | "settled") {
    this.tables = contents.tables;
    this.resolution = contents.resolution;
    this.layout = contents.layout;
    this.visibleData = contents.visibleData;
    this.externals = contents.externals;
    this.libraries = contents.libraries;
    this.hasThreads = contents.hasThreads;
    this.warnings = contents.warnings;
    this.interposition = contents.interposition;
    this.phases = contents.phases;
    this.counts = contents.counts;
    this.objects = place.objects;
    this.uses = place.uses;
    this.alloc = place.alloc;
    this.image = place.image;
    this.isCopy = place.isCopy;
    this.#state = state;
  }

  /** Address of a symbol that the job defines. */
  definition(name: string): number | undefined {
    const row = this.#rowOf(name);
    return row >= 0 ? this.tables.symbols.value[row] : undefined;
  }

  /** More about a symbol that the job defines. */
  traits(name: string): DefinitionTraits | undefined {
    const row = this.#rowOf(name);
    return row >= 0 ? traitsOfRow(this.resolution, row) : undefined;
  }

  /** The names of all symbols that it defines, each once. */
  *names(): Generator<string, void, undefined> {
    if (this.#state === "removed") return;
    const { symbols, pool } = this.tables;
    for (let row = 0; row < symbols.count; row++) {
      const id = symbols.id[row]!;
      if (id >= 0 && this.resolution.definition[id] === row + 1) yield pool.name(id);
    }
  }

  /** Address of a symbol that the job defines or refers to. */
  address(name: string): number | undefined {
    const address = this.definition(name) ?? this.externals.address[this.#idOf(name)];
    return address === undefined || Number.isNaN(address) ? undefined : address;
  }

  /**
   * @internal Gives back the memory that the link worked in: what the job keeps is moved out of it first if it stays linked. The
   * session calls it before the next link, so that a job that is removed soon is never moved.
   */
  settle(stays: boolean): void {
    const isLinked = this.#state === "linked";
    if (isLinked && stays) detachTables(this.tables, this.resolution, this.externals);
    else if (isLinked) disposeTables(this.tables);
    if (isLinked || !stays) this.#state = stays ? "settled" : "removed";
  }

  /**
   * @internal The same job in another executor, at the same addresses: as it was linked, once it has been settled to stay, whatever has become
   * of it since.
   */
  copy(alloc: FinalizedAlloc, image: number): LinkedJob {
    const objects = this.objects.map(({ graph }) => ({ tracker: undefined, graph }));
    return new LinkedJob(this, { alloc, image, objects, uses: new Map(), isCopy: true }, "settled");
  }

  #idOf(name: string): number {
    return this.#state === "removed" ? -1 : this.tables.pool.findString(name);
  }

  #rowOf(name: string): number {
    const id = this.#idOf(name);
    return id < 0 ? -1 : (this.resolution.definition[id] ?? 0) - 1;
  }
}
