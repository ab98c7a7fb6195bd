import assert from "node:assert/strict";
import { test } from "node:test";
import { EntryQueue, entryOf, idOf } from "../../src/orc/entry-queue.ts";

/** Takes everything; `then` may add more when an entry comes out. */
function drain(queue: EntryQueue, then: (entry: number) => void = () => {}): number[] {
  const order: number[] = [];
  for (let key = queue.pop(); key >= 0; key = queue.pop()) {
    order.push(entryOf(key));
    then(entryOf(key));
  }
  return order;
}

test("entries come in the order of the index, not in that of being wanted", () => {
  const queue = new EntryQueue();
  const entries = Array.from({ length: 200 }, (_, i) => (i * 73) % 200);
  for (const entry of entries) queue.push(entry, 5);
  assert.deepEqual(
    drain(queue),
    entries.sort((a, b) => a - b),
  );
  assert.ok(queue.isEmpty);
});

test("what a member wants comes in the same pass if it is further on in the index, else in the next", () => {
  const queue = new EntryQueue();
  const wants: Record<number, number[]> = { 4: [9, 1, 6], 6: [5, 0], 1: [3] };
  queue.push(4, 1);
  queue.push(8, 1);
  const order = drain(queue, (entry) => {
    for (const next of wants[entry] ?? []) queue.push(next, 1);
  });
  assert.deepEqual(order, [4, 6, 8, 9, 0, 1, 3, 5]);
});

test("a later visit starts at the front again, and an entry knows the name it stands for", () => {
  const queue = new EntryQueue();
  queue.push(7, 123);
  assert.equal(idOf(queue.pop()), 123);
  assert.equal(queue.pop(), -1);
  queue.push(2, 2 ** 26 - 1);
  queue.push(9, 0);
  assert.deepEqual(drain(queue), [2, 9]);
  assert.throws(() => queue.push(0, 2 ** 26), /names/);
});
