// The index of an archive (GNU and System V form, src/formats/archive-index.ts), told to the resolution of a job.

import { HEADER_SIZE, MAGIC_SIZE } from "../src/formats/archive-sizes";
import { NAME_OFFERED, OFFER_BEFORE, OFFER_COUNT, OFFER_INDEX, OFFER_NAME, OFFER_SOURCE } from "../src/kernel/record";
import { intern, internedLength } from "./intern";

/**
 * Offers all `count` names of the index whose table of member offsets, of `word` bytes each, is at `table` and whose names are at
 * [names, end). `length`: bytes of the archive. False, with nothing done, for an index that is damaged or whose names bear versions.
 */
export function offerIndex(
  record: usize,
  pool: usize,
  table: usize,
  count: i32,
  word: i32,
  names: usize,
  end: usize,
  length: u32,
  source: i32,
): bool {
  for (let i = 0; i < count; i++) {
    const offset = memberOffset(table, word, i);
    if (offset < <u64>MAGIC_SIZE || offset > <u64>length - <u64>HEADER_SIZE) return false;
  }
  if (countNames(names, end) < count) return false;
  const offered = <usize>load<u32>(record + NAME_OFFERED);
  const sources = <usize>load<u32>(record + OFFER_SOURCE);
  const indices = <usize>load<u32>(record + OFFER_INDEX);
  const ids = <usize>load<u32>(record + OFFER_NAME);
  const before = <usize>load<u32>(record + OFFER_BEFORE);
  let offer = load<i32>(record + OFFER_COUNT);
  let at = names;
  for (let i = 0; i < count; i++) {
    const id = intern(pool, at);
    if (id < 0) return false;
    at += internedLength + 1;
    store<i32>(sources + 4 * offer, source);
    store<i32>(indices + 4 * offer, i);
    store<i32>(ids + 4 * offer, id);
    store<i32>(before + 4 * offer, load<i32>(offered + 4 * id));
    offer++;
    store<i32>(offered + 4 * id, offer);
  }
  store<i32>(record + OFFER_COUNT, offer);
  return true;
}

/** Number of NULs in [names, end); -1 when some name bears a version. */
function countNames(names: usize, end: usize): i32 {
  let count = 0;
  let at = names;
  for (; at + 16 <= end; at += 16) {
    const block = v128.load(at);
    if (v128.any_true(i8x16.eq(block, i8x16.splat(0x40)))) return -1;
    count += popcnt(i8x16.bitmask(i8x16.eq(block, i8x16.splat(0))));
  }
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte === 0x40) return -1;
    if (byte === 0) count++;
  }
  return count;
}

/** An entry of the table, big-endian. */
export function memberOffset(table: usize, word: i32, i: i32): u64 {
  if (word === 4) return <u64>bswap<u32>(load<u32>(table + 4 * i));
  return bswap<u64>(load<u64>(table + 8 * i));
}
