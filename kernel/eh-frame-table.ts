// The table of .eh_frame_hdr as src/passes/eh-frame-table.ts makes it, which says what it is; here without error texts: damage
// of any kind is answered by -1, and the other one finds it again and names it.

import { sortPairs } from "./sort";

const DW_EH_PE_omit = 0xff;
const DW_EH_PE_pcrel_sdata4 = 0x1b;
const DW_EH_PE_udata4 = 0x03;
const DW_EH_PE_datarel_sdata4 = 0x3b;

/** Encoding that stands for one that could not be read. */
const NONE: i32 = -1;

/**
 * Reads the records at positions [begin, end) and writes the search table at position `table`, of rows whose function lies in
 * [code, codeEnd) or [data, dataEnd). `base`: address minus position. `scratch`: room for
 * as many rows, and SORT_GROUPS bytes before them.
 * Gives the number of rows; -1 for what is damaged or of an unknown kind.
 */
export function writeEhFrameTable(
  base: f64,
  begin: usize,
  end: usize,
  table: usize,
  scratch: usize,
  code: f64,
  codeEnd: f64,
  data: f64,
  dataEnd: f64,
): i32 {
  // Records follow their CIE, mostly at once.
  let cie: usize = 0;
  let encoding: i32 = NONE;
  let count = 0;
  let isSorted = true;
  let lastStart: i32 = i32.MIN_VALUE;
  const tableAddress = base + <f64>table;
  let at = begin;
  while (at + 4 <= end) {
    const length = <usize>load<u32>(at);
    if (length === 0) {
      at += 4;
      continue;
    }
    if (length === 0xffffffff || at + 4 + length > end || length < 8) return -1;
    const id = load<u32>(at + 4);
    if (id !== 0) {
      const owner = at + 4 - <usize>id;
      if (<usize>id > at + 4 - begin) return -1;
      if (owner !== cie) {
        if (load<u32>(owner) === 0 || load<u32>(owner + 4) !== 0 || owner + 4 + load<u32>(owner) > end) return -1;
        cie = owner;
        encoding = pointerEncoding(owner + 8, owner + 4 + <usize>load<u32>(owner));
      }
      if (encoding !== 0x1b && encoding !== 0x10) return -1;
      const isWide = encoding === 0x10;
      const isEmpty = isWide ? load<u64>(at + 16) === 0 : load<u32>(at + 12) === 0;
      if (!isEmpty) {
        const distance: f64 = isWide ? <f64>load<i64>(at + 8) : <f64>load<i32>(at + 8);
        const start = base + <f64>(at + 8) + distance;
        if ((start >= code && start < codeEnd) || (start >= data && start < dataEnd)) {
          const row = table + 12 + 8 * <usize>count;
          count++;
          const key = <i32>(start - tableAddress);
          store<i32>(row, key);
          store<i32>(row + 4, <i32>(<i64>at - <i64>table));
          if (key < lastStart) isSorted = false;
          lastStart = key;
        }
      }
    }
    at += 4 + length;
  }
  if (!isSorted) sortPairs(table + 12, scratch, count);
  store<u8>(table, 1);
  store<u8>(table + 1, DW_EH_PE_pcrel_sdata4);
  store<u8>(table + 2, DW_EH_PE_udata4);
  store<u8>(table + 3, DW_EH_PE_datarel_sdata4);
  store<i32>(table + 4, <i32>(<i64>begin - <i64>(table + 4)));
  store<u32>(table + 8, count);
  return count;
}

/** The encoding of pointers that a CIE's augmentation names; NONE for augmentations that few compilers write. */
function pointerEncoding(start: usize, end: usize): i32 {
  let at = start;
  const version = load<u8>(at++);
  if (load<u8>(at) !== 0x7a /* z */) return NONE;
  const letters = at + 1;
  while (at < end && load<u8>(at) !== 0) at++;
  at++;
  if (version >= 4) at += 2;
  at = skipNumber(at, end); // code alignment
  at = skipNumber(at, end); // data alignment
  if (version === 1) at++;
  else at = skipNumber(at, end); // return address register
  at = skipNumber(at, end); // augmentation size
  for (let letter = letters; letter < end; letter++) {
    switch (<i32>load<u8>(letter)) {
      case 0x52: // R
        return at < end ? <i32>load<u8>(at) : NONE;
      case 0x4c: // L
        at++;
        break;
      case 0x50: // P
        at += 1 + pointerSize(<i32>load<u8>(at));
        break;
      case 0x53: // S
      case 0x42: // B
        break;
      default:
        return NONE;
    }
  }
  return NONE;
}

function skipNumber(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) >= 0x80) at++;
  return at + 1;
}

function pointerSize(encoding: i32): i32 {
  if (encoding === DW_EH_PE_omit) return 0;
  const size = encoding & 0x0f;
  if (size === 0x02 || size === 0x0a) return 2;
  return size === 0x03 || size === 0x0b ? 4 : 8;
}
