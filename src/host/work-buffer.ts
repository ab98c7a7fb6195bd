import { linearMemory } from "./linear-memory.ts";

/** Memory of this process that contents are prepared in: `size` bytes from index `position` of both views on. */
export interface WorkBuffer {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly size: number;
  release(): void;
}

/** Zeroed memory, in the linear memory as long as that has room. */
export function takeWorkingMemory(size: number): WorkBuffer {
  const linear = linearMemory();
  const position = linear?.take("work", size);
  if (linear !== undefined && position !== undefined) {
    const { view, bytes } = linear;
    return { view, bytes, position, size, release: () => linear.give("work", position, size) };
  }
  const bytes = new Uint8Array(size);
  return { view: new DataView(bytes.buffer), bytes, position: 0, size, release: () => {} };
}
