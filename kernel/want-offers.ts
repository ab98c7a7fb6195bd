// `Offers.want` of src/orc/offers.ts.

import {
  NAME_OFFERED,
  OFFER_BEFORE,
  OFFER_SOURCE,
  SOURCE_GROUP,
  SOURCE_SIZE,
  SOURCES,
  WALK_IS_VISITING,
  WALK_POSITION,
} from "../src/kernel/record";
import { addOffer } from "./offer-set";

/** Wants every offer of a name, and every one of the group that is being visited, that the order of the link has not passed. */
export function wantOffers(record: usize, id: i32): void {
  let offer = load<i32>(<usize>load<u32>(record + NAME_OFFERED) + 4 * id) - 1;
  if (offer < 0) return;
  const sources = <usize>load<u32>(record + OFFER_SOURCE);
  const before = <usize>load<u32>(record + OFFER_BEFORE);
  const position = load<i32>(record + WALK_POSITION);
  const isVisiting = load<i32>(record + WALK_IS_VISITING) !== 0;
  const group = position === 0 ? 0 : groupOf(record, position);
  for (; offer >= 0; offer = load<i32>(before + 4 * offer) - 1) {
    const source = load<i32>(sources + 4 * offer);
    const isAhead = source > position || (source === position && isVisiting);
    if (isAhead || (group !== 0 && groupOf(record, source) === group)) addOffer(record, offer);
  }
}

function groupOf(record: usize, source: i32): i32 {
  return load<i32>(<usize>load<u32>(record + SOURCES) + SOURCE_SIZE * (source - 1) + SOURCE_GROUP);
}
