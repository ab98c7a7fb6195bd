import { KIND_NONE } from "../src/graph/section-kinds";
import {
  NAME_DEFINITION,
  NAME_EXTERNAL,
  SECTION_ADDRESS,
  SECTION_KIND,
  SYMBOL_ID,
  SYMBOL_INFO,
  SYMBOL_SECTION,
  SYMBOL_VALUE,
} from "../src/kernel/record";

const STT_GNU_IFUNC = 10;
const PLACE_DISCARDED = -4;

/**
 * Turns offsets into addresses for the symbol rows [first, last) that are defined in the job; those in dropped sections get NaN. Gives the
 * number of indirect functions among them.
 */
export function bindDefinitions(record: usize, first: i32, last: i32): i32 {
  const sections = <usize>load<u32>(record + SYMBOL_SECTION);
  const values = <usize>load<u32>(record + SYMBOL_VALUE);
  const infos = <usize>load<u32>(record + SYMBOL_INFO);
  const kinds = <usize>load<u32>(record + SECTION_KIND);
  const addresses = <usize>load<u32>(record + SECTION_ADDRESS);
  let indirect = 0;
  for (let row = first; row < last; row++) {
    const section = load<i32>(sections + 4 * row);
    const value = values + 8 * row;
    if (section >= 0) {
      if (<i32>load<u8>(kinds + section) === KIND_NONE) store<f64>(value, 0);
      else store<f64>(value, load<f64>(value) + load<f64>(addresses + 8 * section));
      if ((load<u16>(infos + 2 * row) & 0xf) === STT_GNU_IFUNC) indirect++;
    } else if (section === PLACE_DISCARDED) store<f64>(value, NaN);
  }
  return indirect;
}

/** Gives the symbol rows [first, last) that are references by name the address of what the name stands for. */
export function bindReferences(record: usize, first: i32, last: i32): void {
  const definition = <usize>load<u32>(record + NAME_DEFINITION);
  const external = <usize>load<u32>(record + NAME_EXTERNAL);
  const ids = <usize>load<u32>(record + SYMBOL_ID);
  const values = <usize>load<u32>(record + SYMBOL_VALUE);
  for (let row = first; row < last; row++) {
    const id = load<i32>(ids + 4 * row);
    if (id < 0) continue;
    const defined = load<i32>(definition + 4 * id) - 1;
    if (defined === row) continue;
    store<f64>(values + 8 * row, defined >= 0 ? load<f64>(values + 8 * defined) : load<f64>(external + 8 * id));
  }
}
