import { type AddressRange, alignDown, alignUp } from "../bytes/address.ts";
import { freeRanges } from "../host/maps.ts";

/** Where a slab goes: below 2 GiB, within reach of the C library, or wherever the kernel likes. */
export type Placement = "low" | "near-libc" | "anywhere";

/** Node itself sits at 0x400000 with its heap behind it; 0x50000000 up was free in every process looked at. */
const LOW_START = 0x5000_0000;
/** Code of the small model adds displacements to addresses; the last 64 KiB below 2 GiB stay free for them. */
const LOW_END = 0x7fff_0000;
/** Where to look when everything above LOW_START is taken; below are a non-PIE executable's own segments. */
const LOWEST = 0x200_0000;
/** Distance between candidates that are tried without knowing what is mapped. */
const STEP = 0x400_0000;
/** From a slab's any byte to the C library's any byte, with 2 GiB of reach and room for both sizes. */
const NEAR = 2 ** 30;

/** Addresses to try for a slab of `size` bytes below 2 GiB, the best first. */
export function lowCandidates(size: number): number[] {
  const candidates: number[] = [];
  for (let address = LOW_START; address + size <= LOW_END; address += STEP) candidates.push(address);
  for (let address = LOW_START - STEP; address >= LOWEST; address -= STEP) {
    if (address + size <= LOW_END) candidates.push(address);
  }
  return candidates;
}

/** The gaps below 2 GiB that hold `size` bytes, from the first multiple of 16 MiB on, among what is known to be `occupied`. */
export function lowGaps(size: number, occupied: readonly AddressRange[]): number[] {
  const gaps = freeRanges(occupied, { start: LOWEST, end: LOW_END }, size);
  return gaps.map(({ start }) => alignUp(start, 0x100_0000)).filter((start, i) => start + size <= gaps[i]!.end);
}

/** Addresses to try so that the slab lies within 1 GiB of `libc`: below it by preference, then above. */
export function nearCandidates(size: number, libc: number): number[] {
  const candidates: number[] = [];
  const page = 0x1_0000;
  for (let address = alignDown(libc - size - STEP, page); address >= libc - NEAR; address -= STEP) {
    if (address > 0) candidates.push(address);
  }
  for (let address = alignUp(libc + STEP, page); address + size <= libc + NEAR; address += STEP) {
    candidates.push(address);
  }
  return candidates;
}

/** The candidates that collide with nothing in `occupied`. */
export function withoutOccupied(
  candidates: readonly number[],
  size: number,
  occupied: readonly AddressRange[],
): number[] {
  return candidates.filter((start) => !occupied.some((range) => range.start < start + size && start < range.end));
}
