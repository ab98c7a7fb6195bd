import type { Columns } from "../kernel/columns.ts";
import { NAME_EXTERNAL, NAME_EXTERNAL_KIND } from "../kernel/record.ts";

/** What kind of thing a name outside the job is; decides what to do when it is out of reach. */
export const ExternalKind = { unknown: 0, function: 1, data: 2, threadLocal: 3, absent: 4, ownThreadLocal: 5 } as const;
export type ExternalKind = (typeof ExternalKind)[keyof typeof ExternalKind];

/** Loader's words for a library's thread-local variable. */
export interface ForeignTlsPlace {
  readonly module: number;
  readonly offset: number;
  /** Distance from the thread pointer, if its library has static TLS. */
  readonly threadOffset: number | undefined;
}

/** The names that a link job takes from outside: from libraries, from the process, by hand. Indexed by name identifier. */
export class Externals {
  /** Address in the executor; NaN for names that the job does not take from outside. */
  address: Float64Array;
  kind: Uint8Array;
  readonly threadLocals = new Map<number, ForeignTlsPlace>();
  /** Names in the order they were added. */
  readonly ids: number[] = [];

  /** `names`: how many there are; `columns`: where the kernel finds the addresses. */
  constructor(names: number, columns: Columns) {
    const block = columns.block(9 * names + 8);
    this.address = block.float64(names, NAME_EXTERNAL).fill(Number.NaN);
    this.kind = block.uint8(names, NAME_EXTERNAL_KIND);
  }

  /** Moves everything into arrays of their own. */
  detach(): void {
    this.address = this.address.slice();
    this.kind = this.kind.slice();
  }

  add(id: number, address: number, kind: ExternalKind): void {
    if (Number.isNaN(this.address[id]!)) this.ids.push(id);
    this.address[id] = address;
    this.kind[id] = kind;
  }
}
