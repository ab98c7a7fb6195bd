import {
  KIND_DISCARDED,
  KIND_LARGE_ZERO_FILL,
  KIND_NONE,
  KIND_TLS_DATA,
  KIND_TLS_ZERO_FILL,
  KIND_ZERO_FILL,
} from "../src/graph/section-kinds";
import { SECTION_ADDRESS, SECTION_CONTENT, SECTION_KIND, SECTION_SIZE, WORK_BASE } from "../src/kernel/record";

/**
 * Copies the contents of the live sections among rows [first, last), thread-local ones excepted, to where they will run. Gives the
 * number of bytes.
 */
export function copySections(record: usize, first: i32, last: i32): f64 {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const sizes = <usize>load<u32>(record + SECTION_SIZE);
  const contents = <usize>load<u32>(record + SECTION_CONTENT);
  const addresses = <usize>load<u32>(record + SECTION_ADDRESS);
  const base = load<f64>(record + WORK_BASE);
  let total: f64 = 0;
  for (let row = first; row < last; row++) {
    const kind = <i32>load<u8>(kinds + row);
    if (kind === KIND_NONE || kind === KIND_DISCARDED || kind === KIND_ZERO_FILL || kind === KIND_LARGE_ZERO_FILL)
      continue;
    if (kind === KIND_TLS_DATA || kind === KIND_TLS_ZERO_FILL) continue;
    const size = load<f64>(sizes + 8 * row);
    total += size;
    const content = load<i32>(contents + 4 * row);
    if (size === 0 || content === -1) continue;
    memory.copy(<usize>(load<f64>(addresses + 8 * row) - base), <usize>content, <usize>size);
  }
  return total;
}

/** Copies rows below `last`, `size` at a time, as long as the counter that threads share gives any. Gives the number of bytes. */
export function copyChunks(record: usize, counter: usize, last: i32, size: i32): f64 {
  let total: f64 = 0;
  let first = atomic.add<i32>(counter, size);
  while (first < last) {
    total += copySections(record, first, min(first + size, last));
    first = atomic.add<i32>(counter, size);
  }
  return total;
}
