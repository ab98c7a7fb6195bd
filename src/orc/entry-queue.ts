/** Largest identifier of a name beside which the number of an index entry fits a double without loss. */
const ID_LIMIT = 2 ** 26;

/**
 * Entries of one archive's index that may have to be extracted, in the order in which GNU ld comes across them: it goes
 * through the whole index from front to back, takes what is wanted at that moment, and starts over while the members that it
 * took want more. An entry behind the last one taken belongs to the pass that is going on, one before it to the next pass. The
 * order is visible: members are laid out, and their constructors run, as they were taken.
 */
export class EntryQueue {
  /** A binary heap of `entry * ID_LIMIT + id`. */
  #pass: number[] = [];
  #nextPass: number[] = [];
  #last = -1;

  get isEmpty(): boolean {
    return this.#pass.length === 0 && this.#nextPass.length === 0;
  }

  /** Adds entry `entry`, which can define the name `id`. */
  push(entry: number, id: number): void {
    if (id >= ID_LIMIT) throw new Error(`more than ${ID_LIMIT} names`);
    const key = entry * ID_LIMIT + id;
    if (key > this.#last) sift(this.#pass, key);
    else this.#nextPass.push(key);
  }

  /** Takes the next entry, to be read by `entryOf` and `idOf`; -1 when there is none, and the next visit starts at the front. */
  pop(): number {
    if (this.#pass.length === 0) {
      this.#last = -1;
      for (const key of this.#nextPass.splice(0)) sift(this.#pass, key);
      if (this.#pass.length === 0) return -1;
    }
    const key = takeFirst(this.#pass);
    this.#last = key;
    return key;
  }
}

/** Number of the index entry that `pop` has given. */
export function entryOf(key: number): number {
  return Math.floor(key / ID_LIMIT);
}

/** Identifier of the name that the entry was pushed for. */
export function idOf(key: number): number {
  return key % ID_LIMIT;
}

/** Adds a number to a binary heap. */
export function sift(heap: number[], key: number): void {
  let at = heap.push(key) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= key) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = key;
}

/** Takes the smallest number out of a binary heap that is not empty. */
export function takeFirst(heap: number[]): number {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
