// `directReferences` of src/link/direct-references.ts.

import { RELA_SIZE } from "../src/formats/elf/constants";
import { KIND_EH_FRAME } from "../src/graph/section-kinds";
import {
  GRAPH_FIRST_SYMBOL,
  GRAPH_LOCAL_COUNT,
  GRAPH_SIZE,
  GRAPH_SYMBOL_COUNT,
  GRAPHS,
  SECTION_GRAPH,
  SECTION_KIND,
  SECTION_RELOCATION_COUNT,
  SECTION_RELOCATIONS,
  SYMBOL_ID,
} from "../src/kernel/record";

const R_X86_64_32 = 10;
const R_X86_64_32S = 11;

/**
 * Finds what relocations of the section rows [0, last) demand of names. By name identifier, `candidates` has a byte that is not 0 for those
 * that are of interest; `demands` gets what is demanded, from `demandOf`, by type below 64. Identifiers go to `out` as they are met; gives
 * their number. Of each graph no more than `sample` entries are read unless one of them is an absolute 32-bit address.
 */
export function directReferences(
  record: usize,
  last: i32,
  candidates: usize,
  demands: usize,
  demandOf: usize,
  out: usize,
  sample: i32,
): i32 {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const graphOf = <usize>load<u32>(record + SECTION_GRAPH);
  const positions = <usize>load<u32>(record + SECTION_RELOCATIONS);
  const counts = <usize>load<u32>(record + SECTION_RELOCATION_COUNT);
  const graphs = <usize>load<u32>(record + GRAPHS);
  const ids = <usize>load<u32>(record + SYMBOL_ID);
  let current: u32 = 0xffffffff;
  let left = sample;
  let found = 0;
  for (let row = 0; row < last; row++) {
    const count = load<u32>(counts + 4 * row);
    // Unwind tables name the personality function only to have it called.
    if (count === 0 || <i32>load<u8>(kinds + row) === KIND_EH_FRAME) continue;
    const index = load<u32>(graphOf + 4 * row);
    if (index !== current) {
      current = index;
      left = sample;
    }
    const graph = graphs + GRAPH_SIZE * index;
    const names = ids + 4 * <usize>load<u32>(graph + GRAPH_FIRST_SYMBOL);
    const symbolCount = load<u32>(graph + GRAPH_SYMBOL_COUNT);
    const localCount = load<u32>(graph + GRAPH_LOCAL_COUNT);
    let entry = <usize>load<u32>(positions + 4 * row);
    const end = entry + <usize>RELA_SIZE * <usize>count;
    for (; entry < end && left > 0; entry += <usize>RELA_SIZE) {
      left--;
      const type = load<u32>(entry + 8);
      const demand: i32 = type < 64 ? <i32>load<u8>(demandOf + type) : 0;
      if (demand === 0) continue;
      if (type === R_X86_64_32 || type === R_X86_64_32S) left = i32.MAX_VALUE;
      const symbol = load<u32>(entry + 12);
      if (symbol < localCount || symbol >= symbolCount) continue;
      const id = load<i32>(names + 4 * symbol);
      if (load<u8>(candidates + id) === 0) continue;
      const known = <i32>load<u8>(demands + id);
      if (known === 0) {
        store<i32>(out + 4 * found, id);
        found++;
      }
      store<u8>(demands + id, <u8>(known | demand));
    }
  }
  return found;
}
