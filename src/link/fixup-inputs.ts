import type { GraphTables } from "../graph/graph-tables.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";
import type { ExternalKind, Externals } from "./externals.ts";
import type { LinkageTables } from "./linkage-tables.ts";

/** Where the job's own thread-local block is, as the loader placed it. */
export interface TlsPlace {
  readonly module: number;
  /** Distance of the block from the thread pointer; undefined when the process had no static room for it. */
  readonly threadOffset: number | undefined;
}

/** What applying a job's relocations needs; layout and symbol binding are finished by then. */
export interface FixupInputs {
  readonly tables: GraphTables;
  readonly memory: WorkingMemory;
  readonly linkage: LinkageTables;
  readonly externals: Externals;
  readonly tls: TlsPlace;
  /** The job's indirect functions: the stub that stands for each → the slot that holds what its resolver returned. */
  readonly indirectSlots: ReadonlyMap<number, number>;
  /** Where the bytes of the thread-local image are written: address of its first byte. */
  readonly tlsImage: number;
  /** st_size of the definition behind a symbol's row. */
  symbolSize(row: number): number;
  /** Value of an absolute symbol with all its 64 bits, by its own row or a reference's. */
  exactValue(row: number): bigint;
  /** Finds out what an unknown external is, when that decides what is right. */
  classify(id: number): ExternalKind;
}
