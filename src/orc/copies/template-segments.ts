import { Protection } from "../../host/mapping.ts";
import { FROM_TEMPLATE, type Segment } from "../../memory/memory-mapper.ts";

/** Whether executors with the same code can have the same pages of it. */
export function isCommon({ protection }: Segment): boolean {
  return (protection & Protection.write) === 0;
}

/** A job's segments, with those that are common mapped from its template. */
export function fromTemplate(segments: readonly Segment[]): Segment[] {
  return segments.map((segment) =>
    isCommon(segment) ? { ...segment, protection: segment.protection | FROM_TEMPLATE } : segment,
  );
}
