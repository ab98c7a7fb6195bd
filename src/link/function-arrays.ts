import type { GraphTables } from "../graph/graph-tables.ts";

/** One of .preinit_array, .init_array, .fini_array of the job, once laid out. */
export interface FunctionArray {
  readonly rows: number[];
  start: number;
  end: number;
}

/** The arrays of a job in the order in which they are called; `groups` holds all three. */
export interface FunctionArrays {
  readonly preinit: FunctionArray;
  readonly init: FunctionArray;
  readonly fini: FunctionArray;
  readonly groups: readonly FunctionArray[];
  /** Sections of the old form (.ctors, .dtors): their entries run from the last to the first. */
  readonly reversed: readonly number[];
}

interface Member {
  readonly row: number;
  readonly priority: number;
}

/**
 * Sorts the constructor and destructor arrays as the linkers' SORT_BY_INIT_PRIORITY does: `.init_array.N` by N ascending,
 * then plain `.init_array`; `.ctors.N` counts as priority 65535 − N and runs backwards.
 */
export function orderFunctionArrays(tables: GraphTables, rows: readonly number[]): FunctionArrays {
  const preinit: Member[] = [];
  const init: Member[] = [];
  const fini: Member[] = [];
  const reversed: number[] = [];
  for (const row of rows) {
    const name = tables.graphs[tables.sections.graph[row]!]!.sectionName(row);
    const [, stem = "", suffix] = /^\.([a-z_]+)(?:\.(\d+))?/.exec(name) ?? [];
    const old = stem === "ctors" || stem === "dtors";
    if (old) reversed.push(row);
    const number = suffix === undefined ? 65536 : Number(suffix);
    const priority = old && suffix !== undefined ? 65535 - number : number;
    const list = stem === "preinit_array" ? preinit : stem === "init_array" || stem === "ctors" ? init : fini;
    list.push({ row, priority });
  }
  const [a, b, c] = [preinit, init, fini].map((members) => ({
    rows: members.sort((x, y) => x.priority - y.priority).map((member) => member.row),
    start: 0,
    end: 0,
  })) as [FunctionArray, FunctionArray, FunctionArray];
  return { preinit: a, init: b, fini: c, groups: [a, b, c], reversed };
}
