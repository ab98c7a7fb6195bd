// Takes what is wanted out of archives, as src/orc/offer-walk.ts does: that knows what becomes of whatever is left here.

import { HEADER_SIZE, MAGIC_SIZE } from "../src/formats/archive-sizes";
import {
  GRAPH_CAPACITY,
  GRAPH_COUNT,
  GRAPH_FIRST_SECTION,
  GRAPH_FIRST_SYMBOL,
  GRAPH_LOCAL_COUNT,
  GRAPH_MEMBER,
  GRAPH_NAMES,
  GRAPH_NAMES_END,
  GRAPH_SECTION_COUNT,
  GRAPH_SIZE,
  GRAPH_SOURCE,
  GRAPH_SYMBOL_COUNT,
  GRAPH_SYMBOL_ENTRIES,
  GRAPHS,
  GROUP_CAPACITY,
  MEMBERS,
  MEMBERS_COUNT,
  MEMBERS_MASK,
  NAME_CAPACITY,
  NAME_DEFINITION,
  OBJECT_GROUPS,
  OBJECT_LOCALS,
  OBJECT_NAMES,
  OBJECT_NAMES_SIZE,
  OBJECT_RECORD,
  OBJECT_SECTIONS,
  OBJECT_SYMBOL_TABLE,
  OBJECT_SYMBOLS,
  OFFER_INDEX,
  OFFER_NAME,
  OFFER_SOURCE,
  POOL_CAPACITY,
  POOL_COUNT,
  POOL_HAS_VERSIONS,
  POOL_MASK,
  POOL_STORE_SIZE,
  POOL_USED,
  QUEUE_ADDED,
  QUEUE_CAPACITY,
  QUEUE_ENTRIES,
  QUEUE_ENTRY_SIZE,
  SECTION_CAPACITY,
  SECTION_COUNT,
  SOURCE_ARCHIVE,
  SOURCE_ARCHIVE_SIZE,
  SOURCE_END_OFFER,
  SOURCE_FIRST_OFFER,
  SOURCE_INDEX,
  SOURCE_INDEX_WORD,
  SOURCE_NAMES,
  SOURCE_NAMES_SIZE,
  SOURCE_SIZE,
  SOURCES,
  SYMBOL_CAPACITY,
  SYMBOL_COUNT,
  SYMBOL_SECTION,
  WALK_AT,
  WALK_DIRTY_SECTIONS,
  WALK_DONE,
  WALK_END,
  WALK_IS_VISITING,
  WALK_LEFT_OFFER,
  WALK_LEFT_PARTS,
  WALK_LEFT_VERSIONS,
  WALK_NO_ROOM,
  WALK_OFFER,
  WALK_PAUSE,
  WALK_POSITION,
  WALK_RESTART,
  WALK_ROW_COUNT,
  WALK_ROWS_CAPACITY,
  WALK_SECTIONS_LEFT,
} from "../src/kernel/record";
import { memberOffset } from "./offer-index";
import { addOffer, nextOffer, removeOffer } from "./offer-set";
import { readSections, readSymbols, scanObject } from "./read-object";
import { resolve } from "./resolve";

const PLACE_COMMON = -3;
/** Names up to this long, as in src/formats/archive-name.ts. */
const LONGEST_NAME: u32 = 4096;
/** Bytes for names of groups that are names of sections. */
const SECTION_NAMES: u32 = 4096;
/** Nothing became of an offer: its name is defined, or its member is part of the job already. */
const NOT_TAKEN = -1;
const TAKEN = -2;

/**
 * Walks through the offers that are wanted as the record says, and takes at most `most` members. Gives the reason why it ends; the walk goes on
 * with the next call. `queue`: where the sections of members are left to other threads, or 0.
 */
export function takeMembers(record: usize, pool: usize, queue: usize, most: i32): i32 {
  store<i32>(record + WALK_DIRTY_SECTIONS, 0);
  while (most > 0) {
    const offer = nextInOrder(record);
    if (offer < 0) return WALK_DONE;
    const result = takeOffer(record, pool, queue, offer);
    if (result >= 0) return result;
    if (result === TAKEN) most--;
  }
  return WALK_PAUSE;
}

/** The next offer, which is wanted no longer; -1 at the end. */
function nextInOrder(record: usize): i32 {
  let found = -1;
  while (found < 0) {
    if (load<i32>(record + WALK_IS_VISITING) === 0) {
      const first = nextOffer(record, load<i32>(record + WALK_AT));
      if (first < 0 || first >= load<i32>(record + WALK_END)) return -1;
      const source = load<i32>(<usize>load<u32>(record + OFFER_SOURCE) + 4 * first);
      store<i32>(record + WALK_POSITION, source);
      store<i32>(record + WALK_IS_VISITING, 1);
      store<i32>(record + WALK_AT, load<i32>(sourceAt(record, source) + SOURCE_FIRST_OFFER));
    }
    const source = sourceAt(record, load<i32>(record + WALK_POSITION));
    const end = load<i32>(source + SOURCE_END_OFFER);
    let offer = nextOffer(record, load<i32>(record + WALK_AT));
    if (offer < 0 || offer >= end) offer = nextOffer(record, load<i32>(source + SOURCE_FIRST_OFFER));
    if (offer >= 0 && offer < end) {
      found = offer;
      removeOffer(record, offer);
      store<i32>(record + WALK_AT, offer + 1);
    } else {
      store<i32>(record + WALK_IS_VISITING, 0);
      const restart = load<i32>(record + WALK_RESTART);
      store<i32>(record + WALK_AT, restart < 0 ? end : restart);
    }
  }
  return found;
}

/** Takes what an offer stands for: a reason to end, NOT_TAKEN or TAKEN. */
function takeOffer(record: usize, pool: usize, queue: usize, offer: i32): i32 {
  const id = load<i32>(<usize>load<u32>(record + OFFER_NAME) + 4 * offer);
  const known = load<i32>(<usize>load<u32>(record + NAME_DEFINITION) + 4 * id) - 1;
  if (known >= 0) {
    if (load<i32>(<usize>load<u32>(record + SYMBOL_SECTION) + 4 * known) !== PLACE_COMMON) return NOT_TAKEN;
    return leave(record, offer);
  }
  const number = load<i32>(<usize>load<u32>(record + OFFER_SOURCE) + 4 * offer);
  const source = sourceAt(record, number);
  if (load<u32>(source + SOURCE_ARCHIVE_SIZE) === 0 || load<i32>(pool + POOL_HAS_VERSIONS) !== 0) {
    return leave(record, offer);
  }
  const index = load<i32>(<usize>load<u32>(record + OFFER_INDEX) + 4 * offer);
  const header = <u32>(
    memberOffset(<usize>load<u32>(source + SOURCE_INDEX), load<i32>(source + SOURCE_INDEX_WORD), index)
  );
  const size = memberSize(source, header);
  if (size < 0) return leave(record, offer);
  const position = load<u32>(source + SOURCE_ARCHIVE) + header;
  const slot = slotOfMember(record, position);
  if (load<u32>(slot) !== 0) return NOT_TAKEN;
  const file = <usize>(position + HEADER_SIZE);
  const object = record + OBJECT_RECORD;
  const sections = scanObject(file, size, object);
  if (sections < 0) return leave(record, offer);
  if (!hasRoom(record, pool)) {
    addOffer(record, offer);
    store<i32>(record + WALK_AT, offer);
    return WALK_NO_ROOM;
  }
  const graph = load<i32>(record + GRAPH_COUNT);
  const firstSection = load<i32>(record + SECTION_COUNT);
  const firstSymbol = load<i32>(record + SYMBOL_COUNT);
  if (!readSymbols(record, pool, file, graph, firstSection, firstSymbol, object)) {
    store<i32>(record + WALK_DIRTY_SECTIONS, sections);
    return leave(record, offer);
  }
  store<u32>(slot, position);
  store<u32>(record + MEMBERS_COUNT, load<u32>(record + MEMBERS_COUNT) + 1);
  addGraph(record, number, header);
  const isRead =
    addToQueue(queue, file, size, graph, firstSection) || readSections(record, file, size, graph, firstSection);
  store<i32>(record + WALK_SECTIONS_LEFT, isRead ? 0 : 1);
  if (load<i32>(pool + POOL_HAS_VERSIONS) !== 0) return WALK_LEFT_VERSIONS;
  const first = firstSymbol + load<i32>(object + OBJECT_LOCALS);
  const rows = resolve(record, first, firstSymbol + load<i32>(object + OBJECT_SYMBOLS));
  store<i32>(record + WALK_ROW_COUNT, rows);
  return rows === 0 && isRead ? TAKEN : WALK_LEFT_PARTS;
}

function leave(record: usize, offer: i32): i32 {
  store<i32>(record + WALK_OFFER, offer);
  return WALK_LEFT_OFFER;
}

function sourceAt(record: usize, number: i32): usize {
  return <usize>load<u32>(record + SOURCES) + SOURCE_SIZE * (number - 1);
}

/** Where a member is in the set of those that are taken, or belongs: src/orc/member-set.ts. */
function slotOfMember(record: usize, position: u32): usize {
  const words = <usize>load<u32>(record + MEMBERS);
  const mask = load<u32>(record + MEMBERS_MASK);
  let slot = ((position * 0x9e3779b1) >>> 7) & mask;
  for (let word = load<u32>(words + 4 * slot); word !== 0 && word !== position; word = load<u32>(words + 4 * slot)) {
    slot = (slot + 1) & mask;
  }
  return words + 4 * slot;
}

/** Whether the tables take the object that was looked at. */
function hasRoom(record: usize, pool: usize): bool {
  const object = record + OBJECT_RECORD;
  const symbols = load<u32>(object + OBJECT_SYMBOLS);
  const globals = symbols - load<u32>(object + OBJECT_LOCALS);
  const names = load<u32>(pool + POOL_COUNT) + globals + load<u32>(object + OBJECT_GROUPS);
  const bytes = load<u32>(pool + POOL_USED) + load<u32>(object + OBJECT_NAMES_SIZE) + SECTION_NAMES + 8;
  return (
    load<u32>(record + SECTION_COUNT) + load<u32>(object + OBJECT_SECTIONS) <= load<u32>(record + SECTION_CAPACITY) &&
    load<u32>(record + SYMBOL_COUNT) + symbols <= load<u32>(record + SYMBOL_CAPACITY) &&
    load<u32>(record + GRAPH_COUNT) < load<u32>(record + GRAPH_CAPACITY) &&
    names <= load<u32>(pool + POOL_CAPACITY) &&
    <u32>2 * names <= load<u32>(pool + POOL_MASK) + 1 &&
    bytes <= load<u32>(pool + POOL_STORE_SIZE) &&
    names <= load<u32>(record + GROUP_CAPACITY) &&
    names <= load<u32>(record + NAME_CAPACITY) &&
    globals <= load<u32>(record + WALK_ROWS_CAPACITY) &&
    <u32>2 * (load<u32>(record + MEMBERS_COUNT) + 1) <= load<u32>(record + MEMBERS_MASK) + 1
  );
}

/** Adds the object to the tables. */
function addGraph(record: usize, source: i32, header: u32): void {
  const object = record + OBJECT_RECORD;
  const graph = load<i32>(record + GRAPH_COUNT);
  const at = <usize>load<u32>(record + GRAPHS) + GRAPH_SIZE * graph;
  const names = load<u32>(object + OBJECT_NAMES);
  store<i32>(at + GRAPH_FIRST_SYMBOL, load<i32>(record + SYMBOL_COUNT));
  store<i32>(at + GRAPH_SYMBOL_COUNT, load<i32>(object + OBJECT_SYMBOLS));
  store<i32>(at + GRAPH_LOCAL_COUNT, load<i32>(object + OBJECT_LOCALS));
  store<u32>(at + GRAPH_SYMBOL_ENTRIES, load<u32>(object + OBJECT_SYMBOL_TABLE));
  store<i32>(at + GRAPH_FIRST_SECTION, load<i32>(record + SECTION_COUNT));
  store<i32>(at + GRAPH_SECTION_COUNT, load<i32>(object + OBJECT_SECTIONS));
  store<u32>(at + GRAPH_NAMES, names);
  store<u32>(at + GRAPH_NAMES_END, names + load<u32>(object + OBJECT_NAMES_SIZE));
  store<i32>(at + GRAPH_SOURCE, source);
  store<u32>(at + GRAPH_MEMBER, header);
  store<i32>(record + GRAPH_COUNT, graph + 1);
  store<i32>(record + SECTION_COUNT, load<i32>(record + SECTION_COUNT) + load<i32>(object + OBJECT_SECTIONS));
  store<i32>(record + SYMBOL_COUNT, load<i32>(record + SYMBOL_COUNT) + load<i32>(object + OBJECT_SYMBOLS));
}

/** Leaves sections to other threads: src/formats/elf/section-queue.ts. */
function addToQueue(queue: usize, file: usize, length: u32, graph: i32, firstSection: i32): bool {
  if (queue === 0) return false;
  const added = load<i32>(queue + QUEUE_ADDED);
  if (added >= load<i32>(queue + QUEUE_CAPACITY)) return false;
  const entry = queue + QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * <usize>added;
  store<u32>(entry, <u32>file);
  store<u32>(entry + 4, length);
  store<i32>(entry + 8, graph);
  store<i32>(entry + 12, firstSection);
  atomic.store<i32>(queue + QUEUE_ADDED, added + 1);
  return true;
}

/** Bytes of the member whose header is at `offset` of the archive; -1 for one that is special, damaged, or spelled in another way than GNU's. */
function memberSize(source: usize, offset: u32): i32 {
  const archive = <usize>load<u32>(source + SOURCE_ARCHIVE);
  const length = load<u32>(source + SOURCE_ARCHIVE_SIZE);
  if (offset < <u32>MAGIC_SIZE || length < <u32>HEADER_SIZE || offset > length - HEADER_SIZE) return -1;
  const header = archive + offset;
  if (load<u16>(header + 58) !== 0x0a60) return -1;
  const size = decimal(header + 48, 10);
  if (size < 0 || size > <i64>(length - offset - HEADER_SIZE)) return -1;
  return hasUsualName(source, header) ? <i32>size : -1;
}

function hasUsualName(source: usize, header: usize): bool {
  const first = load<u8>(header);
  // "#1/20", what is empty
  if (first === 0x23 || first === 0x20 || isSpecial(header)) return false;
  if (first !== 0x2f) return true;
  const at = decimal(header + 1, 15);
  const size = load<u32>(source + SOURCE_NAMES_SIZE);
  if (at < 0 || at >= <i64>size) return false;
  const names = <usize>load<u32>(source + SOURCE_ARCHIVE) + load<u32>(source + SOURCE_NAMES);
  if (load<u8>(names + <usize>at) === 0x2f || isSpecial(names + <usize>at)) return false;
  const last = min<u32>(size, <u32>at + LONGEST_NAME);
  for (let i = <u32>at; i < last; i++) {
    const byte = load<u8>(names + i);
    if (byte === 0x0a || byte === 0) return true;
  }
  return false;
}

/** "__.SYMDEF" and its kin; others begin with a slash. */
function isSpecial(name: usize): bool {
  return load<u32>(name) === 0x532e5f5f;
}

/** A decimal numeral filled up with spaces; -1 for anything else. */
function decimal(position: usize, width: i32): i64 {
  let value: i64 = 0;
  let i = 0;
  for (; i < width; i++) {
    const digit = <i64>load<u8>(position + i) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = 10 * value + digit;
  }
  if (i === 0) return -1;
  for (; i < width; i++) if (load<u8>(position + i) !== 0x20) return -1;
  return value;
}
