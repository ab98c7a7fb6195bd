import { alignUp } from "../bytes/address.ts";
import { adviseHugePages, HUGE_PAGE_SIZE } from "./huge-pages.ts";
import { linearMemory } from "./linear-memory.ts";

/** From here on clearing whole huge pages costs less than getting the pages one by one. */
const SIZE_FOR_HUGE_PAGES = HUGE_PAGE_SIZE / 4;

/** Memory of this process that contents are prepared in: `size` bytes from index `position` of both views on. */
export interface WorkBuffer {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly size: number;
  release(): void;
}

/** Zeroed memory, in the linear memory as long as that has room; of huge pages if it fills some of them. */
export function takeWorkingMemory(size: number): WorkBuffer {
  const linear = linearMemory();
  const isLarge = size >= SIZE_FOR_HUGE_PAGES;
  const room = isLarge ? alignUp(size, HUGE_PAGE_SIZE) : size;
  const position = linear?.take("work", room, isLarge ? HUGE_PAGE_SIZE : undefined);
  if (linear !== undefined && position !== undefined) {
    const { view, bytes, address } = linear;
    if (isLarge) adviseHugePages(address + position, room);
    return { view, bytes, position, size, release: () => linear.give("work", position, room) };
  }
  const bytes = new Uint8Array(size);
  return { view: new DataView(bytes.buffer), bytes, position: 0, size, release: () => {} };
}
