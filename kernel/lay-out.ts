// The loops of src/link/layout.ts over all sections, and other questions about all of them.

import {
  KIND_DISCARDED,
  KIND_EH_FRAME,
  KIND_FUNCTION_ARRAY,
  KIND_NONE,
  KIND_ZERO_FILL,
} from "../src/graph/section-kinds";
import {
  SECTION_ADDRESS,
  SECTION_ALIGNMENT,
  SECTION_KIND,
  SECTION_SIZE,
  SYMBOL_INFO,
  SYMBOL_SECTION,
} from "../src/kernel/record";

const STT_GNU_IFUNC = 10;

/**
 * Places the sections of rows [0, last) one behind the other, each in its stripe. `stripeOf`: a byte by kind; `cursors` and `alignments`: a number
 * by stripe. Rows of function arrays and of zero-fill larger than `huge` go to `out` instead. Gives their number.
 */
export function placeSections(
  record: usize,
  last: i32,
  stripeOf: usize,
  cursors: usize,
  alignments: usize,
  huge: f64,
  out: usize,
): i32 {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const sizes = <usize>load<u32>(record + SECTION_SIZE);
  const own = <usize>load<u32>(record + SECTION_ALIGNMENT);
  const addresses = <usize>load<u32>(record + SECTION_ADDRESS);
  let count = 0;
  for (let row = 0; row < last; row++) {
    const kind = <i32>load<u8>(kinds + row);
    if (kind === KIND_NONE || kind === KIND_DISCARDED) continue;
    const size = load<f64>(sizes + 8 * row);
    if (kind === KIND_FUNCTION_ARRAY || (kind === KIND_ZERO_FILL && size > huge)) {
      store<i32>(out + 4 * count, row);
      count++;
      continue;
    }
    const stripe = <usize>load<u8>(stripeOf + kind);
    const alignment: f64 = kind === KIND_EH_FRAME ? 4 : load<f64>(own + 8 * row);
    const mask = <i64>alignment - 1;
    const at = <f64>((<i64>load<f64>(cursors + 8 * stripe) + mask) & ~mask);
    store<f64>(addresses + 8 * row, at);
    store<f64>(cursors + 8 * stripe, at + size);
    if (alignment > load<f64>(alignments + 8 * stripe)) store<f64>(alignments + 8 * stripe, alignment);
  }
  return count;
}

/** Adds to the address of each section of rows [0, last) what `base` has for its kind. */
export function moveSections(record: usize, last: i32, base: usize): void {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const addresses = <usize>load<u32>(record + SECTION_ADDRESS);
  for (let row = 0; row < last; row++) {
    const at = addresses + 8 * row;
    store<f64>(at, load<f64>(at) + load<f64>(base + 8 * <usize>load<u8>(kinds + row)));
  }
}

/** Writes to `out` the rows below `last` whose kind has its bit in `mask`. Gives their number. */
export function sectionsOfKinds(record: usize, last: i32, mask: u32, out: usize): i32 {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  let count = 0;
  for (let row = 0; row < last; row++) {
    if (((mask >> load<u8>(kinds + row)) & 1) === 0) continue;
    store<i32>(out + 4 * count, row);
    count++;
  }
  return count;
}

/** Number of indirect functions among the symbol rows below `last` that are defined in a section. */
export function countIndirectFunctions(record: usize, last: i32): i32 {
  const sections = <usize>load<u32>(record + SYMBOL_SECTION);
  const infos = <usize>load<u32>(record + SYMBOL_INFO);
  let count = 0;
  for (let row = 0; row < last; row++) {
    if ((load<u16>(infos + 2 * row) & 0xf) === STT_GNU_IFUNC && load<i32>(sections + 4 * row) >= 0) count++;
  }
  return count;
}
