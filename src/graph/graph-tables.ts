import { Columns } from "../kernel/columns.ts";
import { GraphTable } from "./graph-table.ts";
import { GroupOwners } from "./group-owners.ts";
import type { LinkGraph } from "./link-graph.ts";
import { SectionTable } from "./section-table.ts";
import { SymbolStringPool } from "./symbol-string-pool.ts";
import { SymbolTable } from "./symbol-table.ts";

/** Reading of sections that other threads share. */
export interface SharedReading {
  /** Leaves the sections of `graph` to other threads; false when none is there. */
  add(graph: LinkGraph): boolean;
  /** Where the kernel adds graphs to the queue; 0 when no thread is there. */
  position(): number;
}

/** The packed tables that all graphs of one link job share. */
export class GraphTables {
  /** Names of global symbols. */
  readonly pool: SymbolStringPool;
  /** @internal Memory of the tables; its record leads the kernel to them. */
  readonly columns: Columns;
  /** All sections. */
  readonly sections: SectionTable;
  /** All symbols. */
  readonly symbols: SymbolTable;
  /** @internal */
  readonly packedGraphs: GraphTable;
  /** The objects, in the order in which they were read. */
  readonly graphs: LinkGraph[] = [];
  /** @internal */
  readonly groups: GroupOwners;
  /** Memory of the tables; its record leads the kernel to them. */
  /** The graphs that ask for executable stacks: `.note.GNU-stack` with SHF_EXECINSTR. */
  readonly executableStacks: LinkGraph[] = [];
  /** @internal Where other threads read sections, while a job is collected. */
  queue: SharedReading | undefined;
  /** Some name may bear a version. */
  hasVersions = false;
  /** `foo@VER` → `foo`, for definitions `foo@@VER` (name identifiers). */
  readonly defaultVersions = new Map<number, number>();
  /** Rows of the sections `.init` and `.fini` that have contents. */
  readonly initSections: number[] = [];
  /** Rows of the sections `.fini` that have contents. */
  readonly finiSections: number[] = [];

  /** Something of the job is out of the kernel's reach: a file, relocation entries. */
  #isFar = false;

  constructor(pool = new SymbolStringPool(), columns = new Columns()) {
    this.pool = pool;
    this.columns = columns;
    this.sections = new SectionTable(columns);
    this.symbols = new SymbolTable(columns);
    this.packedGraphs = new GraphTable(columns);
    this.groups = new GroupOwners(columns);
  }

  /** Position of the record, when the kernel reaches everything that the job consists of. */
  get record(): number | undefined {
    return this.#isFar ? undefined : this.columns.record;
  }

  /** Says that something of the job is where the kernel does not look. */
  keepFromKernel(): void {
    this.#isFar = true;
  }

  /** Notes what the kernel has to know of a graph whose tables are complete. */
  pack(graph: LinkGraph): void {
    if (graph.reader.view.buffer !== this.columns.buffer) this.keepFromKernel();
    this.packedGraphs.set(graph);
  }
}
