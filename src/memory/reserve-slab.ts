import { type AddressRange, hex } from "../bytes/address.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import { type MappedRange, readMaps } from "../host/maps.ts";
import { MemoryFileError } from "../host/memfd.ts";
import type { MemoryMapper } from "./memory-mapper.ts";
import { lowCandidates, lowGaps, nearCandidates, type Placement, withoutOccupied } from "./placement.ts";

/** A function of the C library that no program replaces, and that is in its main part. */
const LIBC_SYMBOL = "gnu_get_libc_version";

/**
 * Reserves a slab where `placement` wants it. When its first choice is taken, what is mapped in the executor is looked
 * up, and other places are tried. Errors: code "memory", with the size and what was tried.
 */
export async function reserveSlab(
  mapper: MemoryMapper,
  epc: ExecutorProcessControl & { readonly pid?: number },
  size: number,
  placement: Placement,
  extent: { readonly contentSize: number; readonly nearSize: number } = { contentSize: size, nearSize: size },
): Promise<AddressRange> {
  const { contentSize, nearSize } = extent;
  if (placement === "anywhere" || !mapper.canPlace) return mapper.reserve(size, undefined, contentSize);
  const low = placement === "low";
  const all = low ? lowCandidates(size) : nearCandidates(size, await libcAddress(epc));
  // Everything below 2 GiB if it fits, else at least what 32-bit addresses must reach. The kernel starts the heap of a
  // non-PIE executable anywhere in the first GiB, so the former may fail by chance.
  const rest = low && nearSize !== size ? lowCandidates(nearSize) : [];
  // The first place is nearly always free: the maps, 1 ms to read, are looked at when it is not.
  let candidates = [...all, ...rest];
  let tried = 0;
  let last: unknown;
  while (tried < candidates.length) {
    try {
      return await mapper.reserve(size, candidates[tried++], contentSize);
    } catch (error) {
      if (!(error instanceof SlablinkError) || error.code !== "memory" || error instanceof MemoryFileError) throw error;
      last = error;
    }
    if (tried !== 1) continue;
    const occupied = occupiedRanges(epc);
    const gaps = low && occupied.length > 0 ? lowGaps(size, occupied) : [];
    candidates = [NaN, ...withoutOccupied(all, size, occupied), ...gaps, ...withoutOccupied(rest, size, occupied)];
  }
  const detail = last instanceof Error ? `: ${last.message}` : "";
  throw new SlablinkError(
    "memory",
    `no room for a slab of ${hex(size)} bytes with placement ${placement} (${tried} places tried)${detail}; use a smaller --slab-size or another --placement`,
    { cause: last },
  );
}

async function libcAddress(epc: ExecutorProcessControl): Promise<number> {
  const [address] = await epc.resolve(await epc.openLibrary(""), [LIBC_SYMBOL]);
  if (address === 0) throw new SlablinkError("memory", `the executor has no ${LIBC_SYMBOL} to place a slab near`);
  return address;
}

/** The executor's mappings; empty when they cannot be read: then its answers decide. */
function occupiedRanges(epc: { readonly kind: string; readonly pid?: number }): MappedRange[] {
  try {
    if (epc.kind === "in-process") return readMaps("self");
    return epc.pid === undefined ? [] : readMaps(epc.pid);
  } catch {
    return [];
  }
}
