import type { ColumnBlock, Columns } from "../kernel/columns.ts";
import { OFFER_SET, OFFER_SET_WORDS } from "../kernel/record.ts";

/**
 * A set of small numbers that answers which is the next one from a place on, however far it is: bits, and above them bits that say
 * which words of the level below have any.
 *
 *     level 2                 1
 *     level 1        0 1 0 … 0 1          a bit for each word below
 *     level 0   0…0  0100  …  0110        a bit for each offer
 *
 * Archives are gone through as GNU ld does it: through the whole index from front to back, taking what is wanted at that moment, and
 * once more while the members that were taken want more. So an offer behind the last one that was taken belongs to the pass that is
 * going on, one before it to the next pass, which is what asking for the next one, and for the first one again, comes to. The order
 * is visible: members are laid out, and their constructors run, as they were taken.
 */
export class OfferSet {
  readonly #columns: Columns;
  #block: ColumnBlock | undefined;
  #words!: Int32Array;
  /** Where each level begins in `#words`. */
  #levels: number[] = [];

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** Makes room for numbers below `capacity`. */
  reserve(capacity: number): void {
    if (this.#block !== undefined && capacity <= 32 * this.#columns.words[OFFER_SET_WORDS / 4]!) return;
    const before = this.#block;
    const members = before === undefined ? [] : [...this];
    const levels = [0];
    const first = Math.max(1, Math.ceil(capacity / 32));
    let size = first;
    for (let words = first; words > 1; size += words) {
      levels.push(size);
      words = Math.ceil(words / 32);
    }
    this.#block = this.#columns.block(4 * size);
    this.#words = this.#block.int32(size, OFFER_SET);
    this.#columns.words[OFFER_SET_WORDS / 4] = first;
    this.#levels = levels;
    before?.release();
    for (const offer of members) this.add(offer);
  }

  add(offer: number): void {
    let at = offer;
    for (const level of this.#levels) {
      const word = level + (at >>> 5);
      const before = this.#words[word]!;
      this.#words[word] = before | (1 << (at & 31));
      if (before !== 0) return;
      at >>>= 5;
    }
  }

  delete(offer: number): void {
    let at = offer;
    for (const level of this.#levels) {
      const word = level + (at >>> 5);
      const left = this.#words[word]! & ~(1 << (at & 31));
      this.#words[word] = left;
      if (left !== 0) return;
      at >>>= 5;
    }
  }

  /** The first number from `from` on that is in the set, or -1. */
  next(from: number): number {
    const levels = this.#levels;
    let at = from;
    for (let height = 0; height < levels.length; height++) {
      if (levels[height]! + (at >>> 5) >= (levels[height + 1] ?? this.#words.length)) return -1;
      const word = this.#words[levels[height]! + (at >>> 5)]! & (-1 << (at & 31));
      if (word === 0) {
        at = (at >>> 5) + 1;
        continue;
      }
      at = (at & ~31) + lowestBit(word);
      while (height-- > 0) at = 32 * at + lowestBit(this.#words[levels[height]! + at]!);
      return at;
    }
    return -1;
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let offer = this.next(0); offer >= 0; offer = this.next(offer + 1)) yield offer;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
