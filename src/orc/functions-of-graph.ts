import { STT_FUNC } from "../formats/elf/constants.ts";
import type { LinkGraph } from "../graph/link-graph.ts";

/**
 * Which function a place of a section belongs to, by an object's symbol table. Functions are sorted once, so that asking for each
 * of very many places takes no pass over all symbols.
 */
export class FunctionsOfGraph {
  readonly #graph: LinkGraph;
  /** Symbol indices by section, then by start; of equal ones the first in the file comes last. */
  readonly #order: Int32Array;
  /** For each in `#order`: the nearest one before it that ends behind its start, or -1. A place inside both belongs to the later one. */
  readonly #around: Int32Array;

  constructor(graph: LinkGraph) {
    this.#graph = graph;
    const { symbols } = graph.tables;
    const found: number[] = [];
    for (let index = 0; index < graph.symbolCount; index++) {
      const row = graph.firstSymbol + index;
      if (symbols.section[row]! >= 0 && (symbols.info[row]! & 0xf) === STT_FUNC) found.push(index);
    }
    this.#order = Int32Array.from(found).sort(
      (a, b) => this.#section(a) - this.#section(b) || this.#start(a) - this.#start(b) || b - a,
    );
    this.#around = new Int32Array(this.#order.length);
    for (let i = 0; i < this.#order.length; i++) {
      let around = i - 1;
      while (around >= 0 && !this.#reaches(around, i)) around = this.#around[around]!;
      this.#around[i] = around;
    }
  }

  /** Name of the function whose extent holds `offset` of the section in row `section`, if any. */
  at(section: number, offset: number): string | undefined {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const index = this.#order[middle]!;
      const isBehind = this.#section(index) - section || this.#start(index) - offset;
      if (isBehind > 0) high = middle;
      else low = middle + 1;
    }
    for (let i = low - 1; i >= 0; i = this.#around[i]!) {
      const index = this.#order[i]!;
      if (this.#section(index) !== section) return undefined;
      if (offset < this.#end(index)) return this.#graph.symbolName(index);
    }
    return undefined;
  }

  #reaches(one: number, other: number): boolean {
    const [a, b] = [this.#order[one]!, this.#order[other]!];
    return this.#section(a) === this.#section(b) && this.#end(a) > this.#start(b);
  }

  #section(index: number): number {
    return this.#graph.tables.symbols.section[this.#graph.firstSymbol + index]!;
  }

  #start(index: number): number {
    return this.#graph.tables.symbols.value[this.#graph.firstSymbol + index]!;
  }

  #end(index: number): number {
    return this.#start(index) + this.#graph.symbolSize(index);
  }
}
