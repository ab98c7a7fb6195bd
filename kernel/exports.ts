// What a job exports: src/orc/exports-of-job.ts asks, src/link/anchor.ts has the tables that they go into.

import { STB_GLOBAL, STB_GNU_UNIQUE, STT_FUNC, STT_GNU_IFUNC, SYM_SIZE } from "../src/formats/elf/constants";
import { KIND_NONE } from "../src/graph/section-kinds";
import {
  EXPORTS_BYTES,
  GRAPH_FIRST_SYMBOL,
  GRAPH_SIZE,
  GRAPH_SYMBOL_ENTRIES,
  GRAPHS,
  NAME_DEFINITION,
  NAME_ENTRY_SIZE,
  NAME_INVISIBLE,
  NAME_LENGTH,
  NAME_START,
  POOL_NAMES,
  POOL_STORE,
  SECTION_KIND,
  SYMBOL_INFO,
  SYMBOL_SECTION,
  SYMBOL_VALUE,
} from "../src/kernel/record";

const PLACE_ABSOLUTE = -2;

/**
 * Writes to `out` the identifiers below `names` of what is defined and visible from outside, in their order. Gives their number, in EXPORTS_BYTES
 * of the record the length of all their names.
 */
export function listExports(record: usize, pool: usize, names: i32, out: usize): i32 {
  const definitions = <usize>load<u32>(record + NAME_DEFINITION);
  const invisible = <usize>load<u32>(record + NAME_INVISIBLE);
  const sections = <usize>load<u32>(record + SYMBOL_SECTION);
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const entries = <usize>load<u32>(pool + POOL_NAMES);
  let count = 0;
  let bytes = 0;
  for (let id = 0; id < names; id++) {
    const row = load<i32>(definitions + 4 * id) - 1;
    if (row < 0 || load<u8>(invisible + id) !== 0) continue;
    const section = load<i32>(sections + 4 * row);
    if (section >= 0 ? load<u8>(kinds + section) === KIND_NONE : section !== PLACE_ABSOLUTE) continue;
    store<i32>(out + 4 * count, id);
    count++;
    bytes += load<i32>(entries + NAME_ENTRY_SIZE * id + NAME_LENGTH);
  }
  store<i32>(record + EXPORTS_BYTES, bytes);
  return count;
}

/** Writes the hash of DT_GNU_HASH of each of `count` names to `out`. */
export function hashNames(pool: usize, ids: usize, count: i32, out: usize): void {
  const texts = <usize>load<u32>(pool + POOL_STORE);
  const entries = <usize>load<u32>(pool + POOL_NAMES);
  for (let i = 0; i < count; i++) {
    const id = load<i32>(ids + 4 * i);
    let at = texts + load<u32>(entries + NAME_ENTRY_SIZE * id + NAME_START);
    const end = at + load<u32>(entries + NAME_ENTRY_SIZE * id + NAME_LENGTH);
    let hash: u32 = 5381;
    for (; at < end; at++) hash = hash * 33 + <u32>load<u8>(at);
    store<u32>(out + 4 * i, hash);
  }
}

/**
 * Writes to `out` the positions in `hashes` of the names that a library's DT_GNU_HASH at `table` may hold, of which `symbolCount` are symbols. Gives
 * their number.
 */
export function filterByGnuHash(hashes: usize, count: i32, table: usize, symbolCount: u32, out: usize): i32 {
  const bucketCount = load<u32>(table);
  const symbolOffset = load<u32>(table + 4);
  const bloomSize = load<u32>(table + 8);
  const bloomShift = load<u32>(table + 12);
  const bloom = table + 16;
  const buckets = bloom + 8 * <usize>bloomSize;
  const chains = buckets + 4 * <usize>bucketCount;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const hash = load<u32>(hashes + 4 * i);
    const word = load<u64>(bloom + 8 * <usize>((hash / 64) % bloomSize));
    if (((word >> (<u64>hash & 63)) & (word >> <u64>((hash >> bloomShift) & 63)) & 1) === 0) continue;
    let index = load<u32>(buckets + 4 * <usize>(hash % bucketCount));
    if (index === 0) continue;
    for (; index < symbolCount; index++) {
      const chained = load<u32>(chains + 4 * <usize>(index - symbolOffset));
      if ((chained | 1) === (hash | 1)) {
        store<i32>(out + 4 * found, i);
        found++;
        break;
      }
      if ((chained & 1) !== 0) break;
    }
  }
  return found;
}

/**
 * Writes the names as entries of a dynamic symbol table, from entry `first` of the one at `symbols` on, their texts behind the `used` bytes of
 * the string table at `strings`, and enters them into the DT_HASH whose buckets are at `buckets`. Gives the bytes of the string table.
 */
export function writeExports(
  record: usize,
  pool: usize,
  graphCount: i32,
  ids: usize,
  count: i32,
  symbols: usize,
  first: i32,
  strings: usize,
  used: i32,
  buckets: usize,
  bucketCount: u32,
): i32 {
  const texts = <usize>load<u32>(pool + POOL_STORE);
  const entries = <usize>load<u32>(pool + POOL_NAMES);
  const definitions = <usize>load<u32>(record + NAME_DEFINITION);
  const infos = <usize>load<u32>(record + SYMBOL_INFO);
  const values = <usize>load<u32>(record + SYMBOL_VALUE);
  const graphs = <usize>load<u32>(record + GRAPHS);
  const chains = buckets + 4 * <usize>bucketCount;
  let end = used;
  for (let i = 0; i < count; i++) {
    const id = load<i32>(ids + 4 * i);
    const row = load<i32>(definitions + 4 * id) - 1;
    const index = first + i;
    const entry = symbols + <usize>SYM_SIZE * <usize>index;
    const info = <i32>load<u16>(infos + 2 * row);
    const type = info & 0xf;
    // A unique symbol in an object that can be unloaded would pin it for ever, so it is exported as global.
    const binding = (info >> 4) & 0xf;
    const high = (binding === STB_GNU_UNIQUE ? STB_GLOBAL : binding) << 4;
    store<u32>(entry, end);
    store<u8>(entry + 4, high | (type === STT_GNU_IFUNC ? STT_FUNC : type));
    store<u16>(entry + 6, 1);
    store<i64>(entry + 8, <i64>load<f64>(values + 8 * row));
    store<u64>(entry + 16, load<u64>(entryOf(graphs, graphCount, row) + 16));
    const name = texts + load<u32>(entries + NAME_ENTRY_SIZE * id + NAME_START);
    const length = load<i32>(entries + NAME_ENTRY_SIZE * id + NAME_LENGTH);
    memory.copy(strings + end, name, length);
    end += length + 1;
    let hash: u32 = 0;
    for (let at = name; at < name + length; at++) {
      hash = (hash << 4) + <u32>load<u8>(at);
      const top = hash & 0xf0000000;
      hash = (hash ^ (top >> 24)) & ~top;
    }
    const bucket = buckets + 4 * <usize>(hash % bucketCount);
    store<u32>(chains + 4 * <usize>index, load<u32>(bucket));
    store<u32>(bucket, index);
  }
  return end;
}

/** Position of the entry in a file's symbol table that a row was read from. */
function entryOf(graphs: usize, count: i32, row: i32): usize {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (load<i32>(graphs + GRAPH_SIZE * middle + GRAPH_FIRST_SYMBOL) <= row) low = middle;
    else high = middle - 1;
  }
  const graph = graphs + GRAPH_SIZE * low;
  const entries = <usize>load<u32>(graph + GRAPH_SYMBOL_ENTRIES);
  return entries + <usize>SYM_SIZE * <usize>(row - load<i32>(graph + GRAPH_FIRST_SYMBOL));
}
