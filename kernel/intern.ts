import {
  HASH_FACTOR,
  HASH_SEED,
  NAME_ENTRY_SIZE,
  NAME_HASH,
  NAME_LENGTH,
  NAME_START,
  POOL_COUNT,
  POOL_HAS_VERSIONS,
  POOL_MASK,
  POOL_NAMES,
  POOL_SLOTS,
  POOL_STORE,
  POOL_STORE_SIZE,
  POOL_USED,
  SLOT_ID,
  SLOT_TAG_SHIFT,
} from "../src/kernel/record";

/** Length of the name that was interned last. */
export let internedLength: u32 = 0;

/**
 * The identifier of the NUL-terminated name at `position`, as `SymbolStringPool.intern` gives it. The caller has reserved room for so many
 * names; -1 when there is none for the bytes, as names in a file may share theirs. Reads up to 16 bytes behind the name.
 */
export function intern(pool: usize, position: usize): i32 {
  const factor = i32x4.splat(HASH_FACTOR);
  let lanes = i32x4.splat(HASH_SEED);
  // A byte 0x40, '@', begins a version.
  let versions: i32 = 0;
  let at = position;
  let block = v128.load(at);
  let ends = i8x16.bitmask(i8x16.eq(block, i8x16.splat(0)));
  while (ends === 0) {
    lanes = i32x4.mul(v128.xor(lanes, block), factor);
    lanes = v128.xor(lanes, i32x4.shr_u(lanes, 15));
    versions |= <i32>v128.any_true(i8x16.eq(block, i8x16.splat(0x40)));
    at += 16;
    block = v128.load(at);
    ends = i8x16.bitmask(i8x16.eq(block, i8x16.splat(0)));
  }
  const rest = ctz(ends);
  block = v128.and(
    block,
    i8x16.lt_u(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>rest)),
  );
  lanes = i32x4.mul(v128.xor(lanes, block), factor);
  lanes = v128.xor(lanes, i32x4.shr_u(lanes, 15));
  versions |= <i32>v128.any_true(i8x16.eq(block, i8x16.splat(0x40)));
  const length = <u32>(at - position) + <u32>rest;
  internedLength = length;

  let hash = <u32>i32x4.extract_lane(lanes, 0);
  hash ^= rotl<u32>(<u32>i32x4.extract_lane(lanes, 1), 8);
  hash ^= rotl<u32>(<u32>i32x4.extract_lane(lanes, 2), 16);
  hash ^= rotl<u32>(<u32>i32x4.extract_lane(lanes, 3), 24);
  hash = (hash ^ length) * HASH_FACTOR;
  hash ^= hash >>> 15;

  const slots = <usize>load<u32>(pool + POOL_SLOTS);
  const mask = load<u32>(pool + POOL_MASK);
  const entries = <usize>load<u32>(pool + POOL_NAMES);
  const names = <usize>load<u32>(pool + POOL_STORE);
  const tag = hash >>> SLOT_TAG_SHIFT;
  let slot = hash & mask;
  for (let word = load<u32>(slots + 4 * slot); word !== 0; word = load<u32>(slots + 4 * slot)) {
    if (word >>> SLOT_TAG_SHIFT === tag) {
      const id = (word & SLOT_ID) - 1;
      const entry = entries + NAME_ENTRY_SIZE * id;
      if (load<u32>(entry + NAME_HASH) === hash && load<u32>(entry + NAME_LENGTH) === length) {
        if (isSame(names + load<u32>(entry + NAME_START), position, length)) return <i32>id;
      }
    }
    slot = (slot + 1) & mask;
  }

  const begin = load<u32>(pool + POOL_USED);
  if (begin + length + 16 > load<u32>(pool + POOL_STORE_SIZE)) return -1;
  const id = load<u32>(pool + POOL_COUNT);
  memory.copy(names + begin, position, length);
  const entry = entries + NAME_ENTRY_SIZE * id;
  store<u32>(entry + NAME_HASH, hash);
  store<u32>(entry + NAME_START, begin);
  store<u32>(entry + NAME_LENGTH, length);
  store<u32>(slots + 4 * slot, (id + 1) | (tag << SLOT_TAG_SHIFT));
  store<u32>(pool + POOL_COUNT, id + 1);
  store<u32>(pool + POOL_USED, begin + length);
  if (versions !== 0) store<u32>(pool + POOL_HAS_VERSIONS, 1);
  return <i32>id;
}

function isSame(a: usize, b: usize, length: u32): bool {
  let at: u32 = 0;
  for (; at + 16 <= length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false;
  }
  const equal = i8x16.bitmask(i8x16.eq(v128.load(a + at), v128.load(b + at)));
  const rest = (1 << (length - at)) - 1;
  return (equal & rest) === rest;
}
