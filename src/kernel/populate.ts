import { linearMemory } from "../host/linear-memory.ts";
import { populateForWriting } from "../host/mapping.ts";

/** Less than this is touched sooner than another thread has heard of it. */
const SIZE_THAT_PAYS = 2 * 2 ** 20;

/**
 * Has another thread make pages for the `size` bytes at index `position` of `view`, which are about to be written: to get them from the
 * system takes as long as to fill them (docs/benchmarks.md).
 */
export function populateSoon(view: DataView, position: number, size: number): void {
  const linear = linearMemory();
  if (size < SIZE_THAT_PAYS || linear === undefined || view.buffer !== linear.buffer) return;
  populateForWriting(linear.address + position, size);
}
