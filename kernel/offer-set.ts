// The offers that are wanted (src/orc/offer-set.ts, which has the drawing).

import { OFFER_SET, OFFER_SET_WORDS } from "../src/kernel/record";

/** Adds an offer. */
export function addOffer(record: usize, offer: i32): void {
  let words = load<u32>(record + OFFER_SET_WORDS);
  let level = <usize>load<u32>(record + OFFER_SET);
  for (let at = <u32>offer; ; at >>>= 5) {
    const word = level + 4 * (at >>> 5);
    const before = load<u32>(word);
    store<u32>(word, before | ((<u32>1) << (at & 31)));
    if (before !== 0 || words === 1) return;
    level += 4 * words;
    words = (words + 31) >>> 5;
  }
}

/** Takes an offer out. */
export function removeOffer(record: usize, offer: i32): void {
  let words = load<u32>(record + OFFER_SET_WORDS);
  let level = <usize>load<u32>(record + OFFER_SET);
  for (let at = <u32>offer; ; at >>>= 5) {
    const word = level + 4 * (at >>> 5);
    const left = load<u32>(word) & ~((<u32>1) << (at & 31));
    store<u32>(word, left);
    if (left !== 0 || words === 1) return;
    level += 4 * words;
    words = (words + 31) >>> 5;
  }
}

/** The first offer from `from` on, or -1. */
export function nextOffer(record: usize, from: i32): i32 {
  let words = load<u32>(record + OFFER_SET_WORDS);
  let level = <usize>load<u32>(record + OFFER_SET);
  let at = <u32>from;
  let height = 0;
  for (;;) {
    if (at >>> 5 >= words) return -1;
    const word = load<u32>(level + 4 * (at >>> 5)) & (0xffffffff << (at & 31));
    if (word !== 0) {
      at = (at & ~31) + ctz(word);
      break;
    }
    if (words === 1) return -1;
    at = (at >>> 5) + 1;
    level += 4 * words;
    words = (words + 31) >>> 5;
    height++;
  }
  while (height > 0) {
    height--;
    level = levelAt(record, height);
    at = 32 * at + ctz(load<u32>(level + 4 * at));
  }
  return <i32>at;
}

function levelAt(record: usize, height: i32): usize {
  let words = load<u32>(record + OFFER_SET_WORDS);
  let level = <usize>load<u32>(record + OFFER_SET);
  for (; height > 0; height--) {
    level += 4 * words;
    words = (words + 31) >>> 5;
  }
  return level;
}
