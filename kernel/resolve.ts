// `SymbolResolution.add` of src/orc/symbol-resolution.ts, which has the rules.

import { STB_GNU_UNIQUE, STB_WEAK, STT_TLS, STV_PROTECTED } from "../src/formats/elf/constants";
import {
  NAME_DEFINITION,
  NAME_INVISIBLE,
  NAME_REFERENCES,
  NAME_WANTED,
  SYMBOL_ID,
  SYMBOL_INFO,
  SYMBOL_SECTION,
  WALK_ROWS,
  WANTED_COUNT,
  WANTED_NAMES,
} from "../src/kernel/record";
import { wantOffers } from "./want-offers";

const PLACE_UNDEFINED = -1;
const PLACE_COMMON = -3;
const PLACE_DISCARDED = -4;

const REFERENCE_STRONG = 1;
const REFERENCE_WEAK = 2;
const REFERENCE_HIDDEN = 8;
const REFERENCE_PLAIN = 16;

/**
 * Registers what the global symbols of rows [first, last) define and refer to. Writes rows that are left to WALK_ROWS, in their order:
 * common and thread-local ones, and second strong definitions. Gives their number.
 */
export function resolve(record: usize, first: i32, last: i32): i32 {
  const out = <usize>load<u32>(record + WALK_ROWS);
  const wantedNames = <usize>load<u32>(record + WANTED_NAMES);
  const definitions = <usize>load<u32>(record + NAME_DEFINITION);
  const references = <usize>load<u32>(record + NAME_REFERENCES);
  const invisible = <usize>load<u32>(record + NAME_INVISIBLE);
  const wanted = <usize>load<u32>(record + NAME_WANTED);
  const sections = <usize>load<u32>(record + SYMBOL_SECTION);
  const ids = <usize>load<u32>(record + SYMBOL_ID);
  const infos = <usize>load<u32>(record + SYMBOL_INFO);
  let count = 0;
  for (let row = first; row < last; row++) {
    const place = load<i32>(sections + 4 * row);
    const id = load<i32>(ids + 4 * row);
    const info = <i32>load<u16>(infos + 2 * row);
    if ((info & 0xf) === STT_TLS || place === PLACE_COMMON) {
      store<i32>(out + 4 * count, row);
      count++;
      continue;
    }
    const visibility = (info >> 8) & 3;
    if (visibility !== 0 && visibility !== STV_PROTECTED) store<u8>(invisible + id, 1);
    const binding = (info >> 4) & 0xf;
    const definition = definitions + 4 * id;
    const known = load<i32>(definition) - 1;
    if (place === PLACE_UNDEFINED || place === PLACE_DISCARDED) {
      let bits = <i32>load<u8>(references + id) | (binding === STB_WEAK ? REFERENCE_WEAK : REFERENCE_STRONG);
      bits |= REFERENCE_PLAIN;
      if (visibility !== 0) bits |= REFERENCE_HIDDEN;
      store<u8>(references + id, <u8>bits);
      if ((bits & REFERENCE_STRONG) !== 0 && known < 0 && load<u8>(wanted + id) === 0) {
        store<u8>(wanted + id, 1);
        const wantedCount = load<i32>(record + WANTED_COUNT);
        store<i32>(wantedNames + 4 * wantedCount, id);
        store<i32>(record + WANTED_COUNT, wantedCount + 1);
        wantOffers(record, id);
      }
      continue;
    }
    if (known < 0) {
      store<i32>(definition, row + 1);
      continue;
    }
    const strength = binding === STB_WEAK ? 2 : binding === STB_GNU_UNIQUE ? 5 : 6;
    const before = strengthOf(load<i32>(sections + 4 * known), <i32>load<u16>(infos + 2 * known));
    if (strength > before) store<i32>(definition, row + 1);
    else if (strength === 6 && before === 6) {
      store<i32>(out + 4 * count, row);
      count++;
    }
  }
  return count;
}

/** Twice what `SymbolResolution` calls strength. */
function strengthOf(place: i32, info: i32): i32 {
  if (place === PLACE_COMMON) return 4;
  const binding = (info >> 4) & 0xf;
  return binding === STB_WEAK ? 2 : binding === STB_GNU_UNIQUE ? 5 : 6;
}
