import type { LinkGraph } from "./link-graph.ts";
import { SectionTable } from "./section-table.ts";
import { SymbolStringPool } from "./symbol-string-pool.ts";
import { SymbolTable } from "./symbol-table.ts";

/** The packed tables that all graphs of one link job share. */
export class GraphTables {
  readonly pool: SymbolStringPool;
  readonly sections = new SectionTable();
  readonly symbols = new SymbolTable();
  readonly graphs: LinkGraph[] = [];
  /** COMDAT group signature (name identifier) → the graph that provides the group. */
  readonly groups = new Map<number, LinkGraph>();
  /** The graphs that ask for executable stacks: `.note.GNU-stack` with SHF_EXECINSTR. */
  readonly executableStacks: LinkGraph[] = [];
  /** Some name may bear a version. */
  hasVersions = false;
  /** `foo@VER` → `foo`, for definitions `foo@@VER` (name identifiers). */
  readonly defaultVersions = new Map<number, number>();
  /** Rows of the sections `.init` and `.fini` that have contents. */
  readonly initSections: number[] = [];
  readonly finiSections: number[] = [];

  constructor(pool = new SymbolStringPool()) {
    this.pool = pool;
  }
}
