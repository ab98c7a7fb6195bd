// Sections of files that are read by whoever has time: one thread adds files, any number take them.

import {
  QUEUE_ADDED,
  QUEUE_CLOSED,
  QUEUE_ENTRIES,
  QUEUE_ENTRY_SIZE,
  QUEUE_FINISHED,
  QUEUE_TAKEN,
} from "../src/kernel/record";
import { readSections } from "./read-object";

/** How long a thread sleeps when there is nothing to read, in nanoseconds; to wake it would cost the thread that adds files more. */
const NAP: i64 = 50_000;

/**
 * Reads the sections of files from the queue until it is empty, and, with `waits`, closed. The entry's last word becomes 1, or 2 for a file that
 * has to be read by the other one. Gives the number of files read.
 */
export function readQueued(record: usize, queue: usize, waits: bool): i32 {
  let count = 0;
  let goesOn = true;
  while (goesOn) {
    const taken = atomic.load<i32>(queue + QUEUE_TAKEN);
    if (taken < atomic.load<i32>(queue + QUEUE_ADDED)) {
      if (atomic.cmpxchg<i32>(queue + QUEUE_TAKEN, taken, taken + 1) !== taken) continue;
      const entry = queue + QUEUE_ENTRIES + QUEUE_ENTRY_SIZE * <usize>taken;
      const file = <usize>load<u32>(entry);
      const done = readSections(record, file, load<u32>(entry + 4), load<i32>(entry + 8), load<i32>(entry + 12));
      store<u32>(entry + 16, done ? 1 : 2);
      atomic.add<i32>(queue + QUEUE_FINISHED, 1);
      count++;
    } else if (!waits || atomic.load<i32>(queue + QUEUE_CLOSED) !== 0) goesOn = false;
    else atomic.wait<i32>(queue + QUEUE_CLOSED, 0, NAP);
  }
  return count;
}
