import { SORT_GROUPS } from "../src/kernel/record";

/**
 * Sorts `count` pairs of 32-bit words by the first, a signed number, equal ones in their order (radix sort, 8 bits at a time). `scratch`: room
 * for as many pairs, and SORT_GROUPS bytes before them.
 */
export function sortPairs(pairs: usize, scratch: usize, count: i32): void {
  const other = scratch + SORT_GROUPS;
  pass(pairs, other, scratch, count, 0);
  pass(other, pairs, scratch, count, 8);
  pass(pairs, other, scratch, count, 16);
  pass(other, pairs, scratch, count, 24);
}

function pass(from: usize, to: usize, groups: usize, count: i32, shift: i32): void {
  memory.fill(groups, 0, SORT_GROUPS);
  for (let i = 0; i < count; i++) {
    const group = groups + 4 * digit(load<u32>(from + 8 * i), shift);
    store<u32>(group, load<u32>(group) + 8);
  }
  let sum: u32 = 0;
  for (let i = 0; i < SORT_GROUPS; i += 4) {
    const size = load<u32>(groups + i);
    store<u32>(groups + i, sum);
    sum += size;
  }
  for (let i = 0; i < count; i++) {
    const group = groups + 4 * digit(load<u32>(from + 8 * i), shift);
    const place = load<u32>(group);
    store<u32>(group, place + 8);
    store<u64>(to + place, load<u64>(from + 8 * i));
  }
}

function digit(key: u32, shift: i32): usize {
  return <usize>(((key ^ 0x80000000) >> shift) & 0xff);
}
