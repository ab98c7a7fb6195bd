// The relocation types that compilers write for nearly everything (x86-64 psABI 4.4, "Relocation Types"); all others, and every value
// that does not fit its field, are left to the rows of the architecture (src/link/row-fixups.ts).

import { STUB_SIZE } from "../src/arch/x86_64-stub";
import { RELA_SIZE } from "../src/formats/elf/constants";
import { KIND_EH_FRAME, KIND_TLS_DATA } from "../src/graph/section-kinds";
import {
  APPLIED,
  GLOBAL_OFFSET_TABLE,
  GRAPH_FIRST_SYMBOL,
  GRAPH_LOCAL_COUNT,
  GRAPH_SIZE,
  GRAPH_SYMBOL_COUNT,
  GRAPHS,
  INDIRECT_END,
  LAST_ROW,
  LEFT_CAPACITY,
  LEFT_COUNT,
  LEFT_PAIRS,
  NEXT_ENTRY,
  NEXT_ROW,
  SECTION_ADDRESS,
  SECTION_GRAPH,
  SECTION_KIND,
  SECTION_RELOCATION_COUNT,
  SECTION_RELOCATIONS,
  SECTION_SIZE,
  SLOT_OF_NAME,
  STUB_OF_NAME,
  STUBS,
  SYMBOL_ID,
  SYMBOL_VALUE,
  WORK_BASE,
} from "../src/kernel/record";
import { relaxGotLoad } from "./relax";

const R_X86_64_64 = 1;
const R_X86_64_PC32 = 2;
const R_X86_64_PLT32 = 4;
const R_X86_64_GOTPCREL = 9;
const R_X86_64_32 = 10;
const R_X86_64_32S = 11;
const R_X86_64_TLSGD = 19;
const R_X86_64_TLSLD = 20;
const R_X86_64_GOTPCRELX = 41;
const R_X86_64_REX_GOTPCRELX = 42;

const MAX_SAFE_INTEGER: f64 = 9007199254740991;

/**
 * Applies the relocation entries of the sections among rows [NEXT_ROW, last) to their contents in working memory; thread-local sections
 * are not its affair. `out`: a record that says where to go on and takes the entries that are left.
 */
export function applyRelocations(record: usize, out: usize, last: i32): void {
  applyInto(record, out, 0, load<u32>(out + LEFT_CAPACITY), last);
}

/** As `applyRelocations`; the first `left` pairs of the record are in use. */
function applyInto(record: usize, out: usize, left: u32, capacity: u32, last: i32): void {
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const sizes = <usize>load<u32>(record + SECTION_SIZE);
  const addresses = <usize>load<u32>(record + SECTION_ADDRESS);
  const graphOf = <usize>load<u32>(record + SECTION_GRAPH);
  const relocations = <usize>load<u32>(record + SECTION_RELOCATIONS);
  const relocationCounts = <usize>load<u32>(record + SECTION_RELOCATION_COUNT);
  const graphs = <usize>load<u32>(record + GRAPHS);
  const values = <usize>load<u32>(record + SYMBOL_VALUE);
  const ids = <usize>load<u32>(record + SYMBOL_ID);
  const stubOfName = <usize>load<u32>(record + STUB_OF_NAME);
  const slotOfName = <usize>load<u32>(record + SLOT_OF_NAME);
  const base = load<f64>(record + WORK_BASE);
  const stubs = load<f64>(record + STUBS);
  const indirectEnd = load<f64>(record + INDIRECT_END);
  const table = load<f64>(record + GLOBAL_OFFSET_TABLE);
  let applied: u32 = 0;
  let resume = <usize>load<u32>(out + NEXT_ENTRY);
  let row = load<i32>(out + NEXT_ROW);
  for (; row < last; row++) {
    const count = load<u32>(relocationCounts + 4 * row);
    const kind = <i32>load<u8>(kinds + row);
    if (count === 0 || kind === KIND_TLS_DATA) continue;
    const graph = graphs + GRAPH_SIZE * load<u32>(graphOf + 4 * row);
    const rows = values + 8 * <usize>load<u32>(graph + GRAPH_FIRST_SYMBOL);
    const names = ids + 4 * <usize>load<u32>(graph + GRAPH_FIRST_SYMBOL);
    const symbolCount = load<u32>(graph + GRAPH_SYMBOL_COUNT);
    const localCount = load<u32>(graph + GRAPH_LOCAL_COUNT);
    const size = load<f64>(sizes + 8 * row);
    const address = load<f64>(addresses + 8 * row);
    const start = <usize>(address - base);
    let entry = <usize>load<u32>(relocations + 4 * row);
    const end = entry + <usize>RELA_SIZE * <usize>count;
    if (resume !== 0) {
      entry = resume;
      resume = 0;
    }
    for (; entry < end; entry += <usize>RELA_SIZE) {
      applied++;
      const offset = load<u64>(entry);
      const type = load<u32>(entry + 8);
      const symbol = load<u32>(entry + 12);
      const width: f64 = type === R_X86_64_64 ? 8 : 4;
      if (symbol < symbolCount && <f64>offset + width <= size) {
        const at = start + <usize>offset;
        const A = <f64>load<i64>(entry + 16);
        const S = load<f64>(rows + 8 * symbol);
        const isIndirect = S >= stubs && S < indirectEnd;
        switch (type) {
          case R_X86_64_PC32:
          case R_X86_64_PLT32: {
            if (isIndirect && type === R_X86_64_PC32) break;
            const value = S + A - address - <f64>offset;
            if (value >= -2147483648.0 && value <= 2147483647.0) {
              store<i32>(at, <i32>value);
              continue;
            }
            if (type === R_X86_64_PLT32) {
              if (symbol < localCount) break;
              // A call of a far function: in CPython 15 000 calls go to 500 functions.
              const id = load<i32>(names + 4 * symbol);
              const stub = id < 0 ? 0 : load<i32>(stubOfName + 4 * id);
              if (stub === 0) break;
              const S1 = stubs + <f64>((stub - 1) * STUB_SIZE);
              store<i32>(at, <i32>(S1 + A - address - <f64>offset));
              continue;
            }
            // The frame of a dropped function: a start of zero distance lies in the table itself, where no function is.
            if (isNaN(S) && kind === KIND_EH_FRAME) {
              store<i32>(at, 0);
              continue;
            }
            break;
          }
          case R_X86_64_64: {
            const value = S + A;
            if (value >= 0 && value <= MAX_SAFE_INTEGER && !isIndirect) {
              store<i64>(at, <i64>value);
              continue;
            }
            break;
          }
          case R_X86_64_32: {
            const value = S + A;
            if (value >= 0 && value <= 4294967295.0 && !isIndirect) {
              store<u32>(at, <u32>value);
              continue;
            }
            break;
          }
          case R_X86_64_32S: {
            const value = S + A;
            if (value >= -2147483648.0 && value <= 2147483647.0 && !isIndirect) {
              store<i32>(at, <i32>value);
              continue;
            }
            break;
          }
          case R_X86_64_GOTPCREL:
          case R_X86_64_GOTPCRELX:
          case R_X86_64_REX_GOTPCRELX: {
            if (isIndirect) break;
            const P = address + <f64>offset;
            if (
              type !== R_X86_64_GOTPCREL &&
              A === -4 &&
              offset >= 3 &&
              relaxGotLoad(at, S, P, type !== R_X86_64_GOTPCRELX)
            ) {
              continue;
            }
            const id = load<i32>(names + 4 * symbol);
            const slot = id < 0 ? 0 : load<i32>(slotOfName + 4 * id);
            if (slot === 0) break;
            const value = table + <f64>(slot - 1) + A - P;
            if (value >= -2147483648.0 && value <= 2147483647.0) {
              store<i32>(at, <i32>value);
              continue;
            }
            break;
          }
        }
      }
      // A thread-local sequence takes the call behind it along.
      const more: u32 = (type === R_X86_64_TLSGD || type === R_X86_64_TLSLD) && entry + RELA_SIZE < end ? 1 : 0;
      if (left + 1 + more > capacity) {
        applied--;
        store<u32>(out + NEXT_ENTRY, <u32>entry);
        finish(out, row, left, applied);
        return;
      }
      for (let i: u32 = 0; i <= more; i++) {
        const pair = out + LEFT_PAIRS + 8 * <usize>left;
        left++;
        store<u32>(pair, row);
        store<u32>(pair + 4, <u32>entry + i * RELA_SIZE);
      }
      applied += more;
      entry += <usize>more * <usize>RELA_SIZE;
    }
  }
  store<u32>(out + NEXT_ENTRY, 0);
  finish(out, row, left, applied);
}

/**
 * Applies the relocation entries of rows below `last`, `size` rows at a time, as long as the counter that threads share gives any. Ends early, with
 * NEXT_ENTRY set, when there is no room for what is left; LAST_ROW is where that chunk ends.
 */
export function applyChunks(record: usize, out: usize, counter: usize, last: i32, size: i32): void {
  const room = load<u32>(out + LEFT_CAPACITY);
  let applied: u32 = 0;
  let left: u32 = 0;
  store<u32>(out + NEXT_ENTRY, 0);
  for (;;) {
    const first = atomic.add<i32>(counter, size);
    if (first >= last) break;
    const end = min(first + size, last);
    store<i32>(out + NEXT_ROW, first);
    applyInto(record, out, left, room, end);
    applied += load<u32>(out + APPLIED);
    left = load<u32>(out + LEFT_COUNT);
    if (load<u32>(out + NEXT_ENTRY) !== 0) {
      store<i32>(out + LAST_ROW, end);
      break;
    }
  }
  store<u32>(out + APPLIED, applied);
  store<u32>(out + LEFT_COUNT, left);
}

function finish(out: usize, row: i32, left: u32, applied: u32): void {
  store<i32>(out + NEXT_ROW, row);
  store<u32>(out + LEFT_COUNT, left);
  store<u32>(out + APPLIED, applied);
}
