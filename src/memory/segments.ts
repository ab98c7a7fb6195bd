import { alignUp, hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";
import { FROM_TEMPLATE, type Segment, SHARED_DATA, WRITABLE_CODE, type ZeroFill } from "./memory-mapper.ts";

/** Bytes of a segment that a mapper has to provide: contents, and zero-fill where that is the mapper's part. */
export function mappedSize(segment: Segment, zeroFill: ZeroFill): number {
  const isMappers = zeroFill === "mapper" || (segment.protection & SHARED_DATA) !== 0;
  return isMappers ? segment.contentSize + segment.zeroFillSize : segment.contentSize;
}

/**
 * Throws unless all segments are page-aligned, lie in [base, base + size), and none is writable and executable without
 * `WRITABLE_CODE`.
 * Answers the lowest address, which is the allocation's key.
 */
export function checkSegments(segments: readonly Segment[], base: number, size: number, pageSize: number): number {
  let key = Number.POSITIVE_INFINITY;
  for (const { address, contentSize, zeroFillSize, protection } of segments) {
    const what = `segment of ${hex(contentSize)} + ${hex(zeroFillSize)} bytes at ${hex(address)}`;
    if (address % pageSize !== 0) throw new SlablinkError("memory", `${what}: not at a multiple of ${hex(pageSize)}`);
    const end = address + alignUp(contentSize + zeroFillSize, pageSize);
    if (address < base || end > base + size) {
      throw new SlablinkError("memory", `${what}: not inside the reservation [${hex(base)}, ${hex(base + size)})`);
    }
    if ((protection & 6) === 6 && (protection & WRITABLE_CODE) === 0)
      throw new SlablinkError("memory", `${what}: writable and executable at once`);
    if ((protection & SHARED_DATA) !== 0 && (protection & 6) !== 2)
      throw new SlablinkError("memory", `${what}: shared data is writable and not executable`);
    if ((protection & FROM_TEMPLATE) !== 0 && (protection & 2) !== 0)
      throw new SlablinkError("memory", `${what}: what a template holds is not writable`);
    key = Math.min(key, address);
  }
  if (key === Number.POSITIVE_INFINITY) throw new SlablinkError("memory", "an allocation without segments has no key");
  return key;
}
