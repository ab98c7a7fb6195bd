import type { ByteReader } from "../../bytes/byte-reader.ts";

/**
 * A way to a dynamic symbol by the hash of its name. `candidates` calls `match` with the index of each symbol that may
 * have the name until it returns true; each index occurs once and lies below `symbolCount`.
 */
export interface SymbolHashTable {
  /** Entries of the dynamic symbol table, the null symbol included. */
  readonly symbolCount: number;
  /** Symbols from here on are definitions only; those before may be undefined. */
  readonly firstHashed: number;
  candidates(name: SymbolName, match: (index: number) => boolean): void;
  /** Where a checked DT_GNU_HASH is, for those who read it themselves. */
  readonly gnuHash?: GnuHashPlace;
}

/** A DT_GNU_HASH at `position` of `view`. */
export interface GnuHashPlace {
  readonly view: DataView;
  readonly position: number;
  readonly symbolCount: number;
}

/** A symbol's name as bytes in place, with its hashes. */
export class SymbolName {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  /** The hash of DT_GNU_HASH (Bernstein's: h × 33 + c), unsigned; the same in every library. */
  readonly gnuHash: number;

  constructor(bytes: Uint8Array, start = 0, length = bytes.length - start) {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    let h = 5381;
    for (let i = start; i < start + length; i++) h = (Math.imul(h, 33) + bytes[i]) | 0;
    this.gnuHash = h >>> 0;
  }

  /** The hash of DT_HASH (System V gABI, "Hash Table"). */
  get sysvHash(): number {
    let h = 0;
    for (let i = this.start; i < this.start + this.length; i++) {
      h = ((h << 4) + this.bytes[i]) | 0;
      const high = h & 0xf0000000;
      h = (h ^ (high >>> 24)) & ~high;
    }
    return h >>> 0;
  }
}

/**
 * DT_GNU_HASH: {nbuckets, symoffset, bloom_size, bloom_shift}, bloom_size 64-bit words, nbuckets words, then a chain
 * word per symbol from symoffset on: its hash, with bit 0 set at a chain's end. No specification but its users'.
 */
export function readGnuHash(reader: ByteReader, offset: number): SymbolHashTable {
  const bucketCount = reader.u32(offset, "DT_GNU_HASH nbuckets");
  const symbolOffset = reader.u32(offset + 4, "DT_GNU_HASH symoffset");
  const bloomSize = reader.u32(offset + 8, "DT_GNU_HASH bloom_size");
  const bloomShift = reader.u32(offset + 12, "DT_GNU_HASH bloom_shift");
  if (bucketCount === 0 || bloomSize === 0) {
    reader.fail(`DT_GNU_HASH has ${bucketCount} buckets and ${bloomSize} bloom words, expected at least 1 of each`);
  }
  if (bloomShift > 31) reader.fail(`DT_GNU_HASH bloom_shift is ${bloomShift}, expected at most 31`);
  const bloom = offset + 16;
  const buckets = bloom + 8 * bloomSize;
  const chains = buckets + 4 * bucketCount;
  reader.check(bloom, chains - bloom, "DT_GNU_HASH bloom filter and buckets");

  // The last symbol is the one that ends the chain that starts last.
  let last = 0;
  for (let i = 0; i < bucketCount; i++) {
    const first = reader.u32(buckets + 4 * i, "DT_GNU_HASH bucket");
    if (first !== 0 && first < symbolOffset) {
      reader.fail(`DT_GNU_HASH bucket ${i} starts at symbol ${first}, before symoffset ${symbolOffset}`);
    }
    if (first > last) last = first;
  }
  if (last !== 0) while ((chainWord(last) & 1) === 0) last++;
  const symbolCount = last === 0 ? symbolOffset : last + 1;

  function chainWord(index: number): number {
    return reader.u32(chains + 4 * (index - symbolOffset), "DT_GNU_HASH chain");
  }

  return {
    symbolCount,
    firstHashed: symbolOffset,
    gnuHash: { view: reader.view, position: reader.start + offset, symbolCount },
    candidates(name, match) {
      const h = name.gnuHash;
      const word = bloom + 8 * (Math.floor(h / 64) % bloomSize);
      if (!bit(reader, word, h % 64) || !bit(reader, word, (h >>> bloomShift) % 64)) return;
      let index = reader.u32(buckets + 4 * (h % bucketCount), "DT_GNU_HASH bucket");
      if (index === 0) return;
      for (; index < symbolCount; index++) {
        const chained = chainWord(index);
        if ((chained | 1) >>> 0 === (h | 1) >>> 0 && match(index)) return;
        if ((chained & 1) !== 0) return;
      }
    },
  };
}

function bit(reader: ByteReader, word: number, index: number): boolean {
  const half = reader.u32(word + (index >= 32 ? 4 : 0), "DT_GNU_HASH bloom word");
  return ((half >>> (index & 31)) & 1) !== 0;
}

/** DT_HASH: {nbucket, nchain}, nbucket first symbols, then for each of nchain symbols the next one of its chain. */
export function readSysvHash(reader: ByteReader, offset: number): SymbolHashTable {
  const bucketCount = reader.u32(offset, "DT_HASH nbucket");
  const symbolCount = reader.u32(offset + 4, "DT_HASH nchain");
  if (bucketCount === 0) reader.fail("DT_HASH has 0 buckets, expected at least 1");
  const buckets = offset + 8;
  const chains = buckets + 4 * bucketCount;
  reader.check(buckets, 4 * (bucketCount + symbolCount), "DT_HASH buckets and chains");
  return {
    symbolCount,
    firstHashed: symbolCount,
    candidates(name, match) {
      let index = reader.u32(buckets + 4 * (name.sysvHash % bucketCount), "DT_HASH bucket");
      for (let steps = 0; index !== 0; steps++) {
        if (index >= symbolCount) reader.fail(`DT_HASH refers to symbol ${index} of ${symbolCount}`);
        if (steps >= symbolCount)
          reader.fail(`a DT_HASH chain is longer than the ${symbolCount} symbols: it is a circle`);
        if (match(index)) return;
        index = reader.u32(chains + 4 * index, "DT_HASH chain");
      }
    },
  };
}

/** For libraries without a hash table: every symbol is a candidate. */
export function linearSearch(symbolCount: number): SymbolHashTable {
  return {
    symbolCount,
    firstHashed: symbolCount,
    candidates(_name, match) {
      for (let index = 1; index < symbolCount; index++) if (match(index)) return;
    },
  };
}
