import { readFileSync } from "node:fs";
import type { AddressRange } from "../bytes/address.ts";

/** One line of /proc/PID/maps (proc(5)). */
export interface MappedRange extends AddressRange {
  /** As in the file: `r-xp`. */
  readonly permissions: string;
  readonly offset: number;
  /** Of the file; 0 without one. */
  readonly inode: number;
  /** The file's path, `[heap]`, or empty. */
  readonly path: string;
}

/** The mappings of a process, in ascending address order. Errors: those of readFileSync. */
export function readMaps(pid: number | "self" = "self"): MappedRange[] {
  return parseMaps(readFileSync(`/proc/${pid}/maps`, "latin1"));
}

const LINE = /^([0-9a-f]{1,13})-([0-9a-f]{1,13}) ([r-][w-][x-][ps]) ([0-9a-f]{1,13}) \S+ (\d{1,15}) *(.*)$/;

/**
 * Parses the text of /proc/PID/maps; a line that is not whole is left out, as what was cut off at its end. So is the vsyscall page above
 * 2^63: nothing can be placed there.
 */
export function parseMaps(text: string): MappedRange[] {
  const ranges: MappedRange[] = [];
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [start, end, offset] = [match[1], match[2], match[4]].map((digits) => Number.parseInt(digits, 16));
    ranges.push({ start, end, permissions: match[3], offset, inode: Number(match[5]), path: match[6] });
  }
  return ranges;
}

/** The mapping that holds an address. */
export function mappingAt(mappings: readonly MappedRange[], address: number): MappedRange | undefined {
  return mappings.find(({ start, end }) => address >= start && address < end);
}

/** The gaps of at least `size` bytes between ascending `occupied` ranges, inside [limits.start, limits.end). */
export function freeRanges(occupied: readonly AddressRange[], limits: AddressRange, size: number): AddressRange[] {
  const free: AddressRange[] = [];
  let start = limits.start;
  for (const range of occupied) {
    if (range.start >= limits.end) break;
    if (range.start - start >= size) free.push({ start, end: range.start });
    start = Math.max(start, range.end);
  }
  if (limits.end - start >= size) free.push({ start, end: limits.end });
  return free;
}
