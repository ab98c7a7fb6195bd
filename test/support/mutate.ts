/** Pseudo-random numbers that are the same in every run (xorshift32, Marsaglia 2003). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** An integer from 0 up to but without `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

/** Values that break readers: ends of ranges, signs, sizes next to them. */
const interesting = [
  0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0xff00, 0xfff1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

/**
 * A copy of an ELF object with one to four places changed. Half of the changes hit the file's header and its section
 * headers, where most of the reader's decisions are made; the others fall anywhere.
 */
export function mutate(original: Uint8Array, random: Random): Buffer {
  const bytes = Buffer.from(original);
  const headers = Math.min(Number(bytes.readBigUInt64LE(40)), bytes.length - 1);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const place = random.below(6);
    let at = random.below(bytes.length);
    if (place === 0) at = random.below(64);
    else if (place <= 2) at = headers + random.below(bytes.length - headers);
    const size = [1, 2, 4, 8][random.below(4)];
    at -= at % size;
    if (at + size > bytes.length) continue;
    if (random.below(3) === 0) bytes[at] ^= 1 << random.below(8);
    else
      bytes.writeUIntLE(
        interesting[random.below(interesting.length)] % 2 ** (8 * Math.min(size, 4)),
        at,
        Math.min(size, 4),
      );
  }
  // Now and then the file is cut off as well.
  return random.below(20) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}
