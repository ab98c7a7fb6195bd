import { setWord64 } from "../bytes/word.ts";
import { SYM_SIZE } from "../formats/elf/constants.ts";

/** Where dynamic symbols go: positions of the tables, and how far they are filled. */
export interface DynamicSymbolPlace {
  readonly symbols: number;
  /** Index of the next symbol. */
  readonly first: number;
  readonly strings: number;
  readonly used: number;
  /** The buckets of DT_HASH, and behind them its chains. */
  readonly buckets: number;
  readonly bucketCount: number;
}

/** Fields of an Elf64_Sym (gABI 4, "Symbol Table"). */
export interface DynamicSymbolFields {
  readonly name: Uint8Array;
  /** st_info. */
  readonly info: number;
  /** st_shndx. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

/** Writes one dynamic symbol, its name and its place in the hash table; gives the bytes of the string table that are in use then. */
export function writeDynamicSymbol(view: DataView, place: DynamicSymbolPlace, symbol: DynamicSymbolFields): number {
  const { symbols, first, strings, used, buckets, bucketCount } = place;
  const { name } = symbol;
  new Uint8Array(view.buffer, view.byteOffset + strings + used, name.length).set(name);
  const at = symbols + first * SYM_SIZE;
  view.setUint32(at, used, true);
  view.setUint8(at + 4, symbol.info);
  view.setUint16(at + 6, symbol.section, true);
  setWord64(view, at + 8, symbol.value);
  setWord64(view, at + 16, symbol.size);
  const bucket = buckets + 4 * (hashOf(name) % bucketCount);
  view.setUint32(buckets + 4 * (bucketCount + first), view.getUint32(bucket, true), true);
  view.setUint32(bucket, first, true);
  return used + name.length + 1;
}

/** The hash function of DT_HASH (gABI 5, "Hash Table"). */
function hashOf(name: Uint8Array): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) {
    hash = (hash << 4) + name[i]!;
    const high = hash & 0xf000_0000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}
