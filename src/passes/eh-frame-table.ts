// .eh_frame_hdr: a table of (function start, frame description) sorted by address, which lets an unwinder find a frame by
// binary search (LSB 5, "Exception Frames": .eh_frame and .eh_frame_hdr; DWARF 5, 6.4.1 for the records).

import { hex } from "../bytes/address.ts";
import { LinkError } from "../errors.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";

const DW_EH_PE_omit = 0xff;
const DW_EH_PE_pcrel_sdata4 = 0x1b;
const DW_EH_PE_udata4 = 0x03;
const DW_EH_PE_datarel_sdata4 = 0x3b;

interface Range {
  readonly address: number;
  readonly size: number;
}

/**
 * Reads the fixed-up .eh_frame of a job in working memory and writes the search table. Frames whose function was dropped
 * (they point outside `code`, and `data`, where code that changes itself lies) get no row. Gives the number of rows.
 */
export function writeEhFrameTable(
  memory: WorkingMemory,
  ehFrame: Range,
  table: Range,
  code: Range,
  data: Range = code,
): number {
  const { view, base } = memory;
  const encodings = new Map<number, number>();
  const begin = ehFrame.address - base;
  const end = begin + ehFrame.size;
  const starts: number[] = [];
  const frames: number[] = [];
  let sorted = true;
  let last = Number.NEGATIVE_INFINITY;
  let at = begin;
  while (at + 4 <= end) {
    const length = view.getUint32(at, true);
    if (length === 0) {
      // A terminator in the middle (crtend.o has one) ends nothing here: the table replaces the walk.
      at += 4;
      continue;
    }
    if (length === 0xffff_ffff || at + 4 + length > end) {
      throw new LinkError(
        "link",
        `.eh_frame+${hex(at - begin)}: record of ${hex(length)} bytes does not fit its section`,
      );
    }
    const id = view.getUint32(at + 4, true);
    if (id === 0) encodings.set(at, pointerEncoding(view, at + 8, at + 4 + length));
    else {
      const encoding = encodings.get(at + 4 - id);
      if (encoding === undefined) {
        throw new LinkError(
          "link",
          `.eh_frame+${hex(at - begin)}: frame refers to ${hex(id)} bytes before, where there is no CIE`,
        );
      }
      if (isEmptyRange(view, at + 8, encoding)) {
        at += 4 + length;
        continue;
      }
      const start = readPointer(view, at + 8, base + at + 8, encoding);
      if (isInside(start, code) || isInside(start, data)) {
        starts.push(start);
        frames.push(base + at);
        if (start < last) sorted = false;
        last = start;
      }
    }
    at += 4 + length;
  }
  const order = sorted ? undefined : sortedOrder(starts, code.address);
  const out = table.address - base;
  view.setUint8(out, 1);
  view.setUint8(out + 1, DW_EH_PE_pcrel_sdata4);
  view.setUint8(out + 2, DW_EH_PE_udata4);
  view.setUint8(out + 3, DW_EH_PE_datarel_sdata4);
  view.setInt32(out + 4, ehFrame.address - (table.address + 4), true);
  view.setUint32(out + 8, starts.length, true);
  for (let i = 0; i < starts.length; i++) {
    const which = order === undefined ? i : order[i]!;
    view.setInt32(out + 12 + 8 * i, starts[which]! - table.address, true);
    view.setInt32(out + 16 + 8 * i, frames[which]! - table.address, true);
  }
  return starts.length;
}

function isInside(address: number, range: Range): boolean {
  return address >= range.address && address < range.address + range.size;
}

/** Indices of `starts` in ascending order; one typed-array sort, with the index in the low bits of each key. */
function sortedOrder(starts: readonly number[], base: number): Int32Array {
  const weight = 2 ** Math.ceil(Math.log2(starts.length + 1));
  const keys = new Float64Array(starts.length);
  for (let i = 0; i < starts.length; i++) keys[i] = (starts[i]! - base) * weight + i;
  keys.sort();
  const order = new Int32Array(starts.length);
  for (let i = 0; i < starts.length; i++) order[i] = keys[i]! % weight;
  return order;
}

/** The FDE pointer encoding that a CIE's augmentation names; absolute 8-byte pointers without one. */
function pointerEncoding(view: DataView, at: number, end: number): number {
  let position = at;
  const version = view.getUint8(position++);
  const augmentation: number[] = [];
  for (let byte = view.getUint8(position++); byte !== 0 && position < end; byte = view.getUint8(position++)) {
    augmentation.push(byte);
  }
  if (augmentation[0] !== 0x7a /* z */) return 0;
  const skipNumber = (): void => {
    while (position < end && view.getUint8(position++) >= 0x80);
  };
  if (version >= 4) position += 2;
  skipNumber(); // code alignment
  skipNumber(); // data alignment
  if (version === 1) position++;
  else skipNumber(); // return address register
  skipNumber(); // augmentation size
  for (const letter of augmentation.slice(1)) {
    if (letter === 0x52 /* R */) return view.getUint8(position);
    if (letter === 0x4c /* L */) position++;
    else if (letter === 0x50 /* P */) {
      const encoding = view.getUint8(position++);
      position += pointerSize(encoding);
    } else if (letter !== 0x53 /* S */ && letter !== 0x42 /* B */) break;
  }
  return 0;
}

function pointerSize(encoding: number): number {
  if (encoding === DW_EH_PE_omit) return 0;
  switch (encoding & 0x0f) {
    case 0x02:
    case 0x0a:
      return 2;
    case 0x03:
    case 0x0b:
      return 4;
    default:
      return 8;
  }
}

/**
 * True of the frame of a function without code (its end cannot be reached): it has the next function's start, and a search that
 * met it would find nothing.
 */
function isEmptyRange(view: DataView, at: number, encoding: number): boolean {
  const size = pointerSize(encoding);
  if (size < 4 || view.getUint32(at + size, true) !== 0) return false;
  return size === 4 || view.getUint32(at + size + 4, true) === 0;
}

function readPointer(view: DataView, at: number, address: number, encoding: number): number {
  const origin = (encoding & 0x70) === 0x10 ? address : 0;
  switch (encoding & 0x0f) {
    case 0x03:
      return origin + view.getUint32(at, true);
    case 0x0b:
      return origin + view.getInt32(at, true);
    case 0x00:
    case 0x04:
    case 0x0c:
      return origin + view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
    default:
      throw new LinkError("link", `.eh_frame: unknown pointer encoding ${hex(encoding)}`);
  }
}
