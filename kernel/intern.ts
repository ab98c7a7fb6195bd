import {
  POOL_COUNT,
  POOL_HAS_VERSIONS,
  POOL_HASH,
  POOL_LENGTH,
  POOL_MASK,
  POOL_SLOTS,
  POOL_START,
  POOL_STORE,
  POOL_STORE_SIZE,
  POOL_USED,
} from "../src/kernel/record";

/**
 * The identifier of the NUL-terminated name at `position`, as `SymbolStringPool.intern` gives it. The caller has reserved room for so many
 * names; -1 when there is none for the bytes, as names in a file may share theirs.
 */
export function intern(pool: usize, position: usize): i32 {
  const names = <usize>load<u32>(pool + POOL_STORE);
  const begin = load<u32>(pool + POOL_USED);
  const end = names + load<u32>(pool + POOL_STORE_SIZE) - 8;
  let out = names + begin;
  let at = position;
  let hash: u32 = 0x811c9dc5;
  let marks: u32 = 0;
  for (;;) {
    const word = load<u32>(at);
    if (((word - 0x01010101) & ~word & 0x80808080) !== 0) break;
    if (out >= end) return -1;
    // A byte that is '@' makes one of these 0x80 bits, and so may a few others.
    const mark = word ^ 0x40404040;
    marks |= (mark - 0x01010101) & ~mark & 0x80808080;
    store<u32>(out, word);
    hash = (hash ^ word) * 0x9e3779b1;
    hash ^= hash >>> 15;
    out += 4;
    at += 4;
  }
  if (out >= end) return -1;
  for (let byte = <u32>load<u8>(at); byte !== 0; byte = <u32>load<u8>(at)) {
    if (byte === 0x40) marks = 1;
    store<u8>(out, <u8>byte);
    out++;
    hash = (hash ^ byte) * 0x01000193;
    at++;
  }
  hash ^= hash >>> 13;
  const length = <u32>(out - names) - begin;
  const slots = <usize>load<u32>(pool + POOL_SLOTS);
  const mask = load<u32>(pool + POOL_MASK);
  const hashes = <usize>load<u32>(pool + POOL_HASH);
  const starts = <usize>load<u32>(pool + POOL_START);
  const lengths = <usize>load<u32>(pool + POOL_LENGTH);
  let slot = hash & mask;
  for (let entry = load<i32>(slots + 4 * slot); entry !== 0; entry = load<i32>(slots + 4 * slot)) {
    const id = entry - 1;
    if (
      load<u32>(hashes + 4 * id) === hash &&
      load<u32>(lengths + 4 * id) === length &&
      memory.compare(names + load<u32>(starts + 4 * id), names + begin, length) === 0
    ) {
      return id;
    }
    slot = (slot + 1) & mask;
  }
  const id = load<i32>(pool + POOL_COUNT);
  store<u32>(pool + POOL_COUNT, id + 1);
  store<u32>(hashes + 4 * id, hash);
  store<u32>(starts + 4 * id, begin);
  store<u32>(lengths + 4 * id, length);
  store<u32>(slots + 4 * slot, id + 1);
  store<u32>(pool + POOL_USED, begin + length);
  if (marks !== 0) store<u32>(pool + POOL_HAS_VERSIONS, 1);
  return id;
}
