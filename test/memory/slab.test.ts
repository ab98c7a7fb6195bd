import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SlablinkError } from "../../src/errors.ts";
import { exhausted, Slab } from "../../src/memory/slab.ts";

const START = 0x5000_0000;
const SIZE = 1 << 16;
const slab = (): Slab => new Slab({ start: START, end: START + SIZE });

test("any sequence of allocate and free keeps allocations apart, aligned, inside, and gives everything back", () => {
  const step = fc.record({
    free: fc.boolean(),
    pick: fc.nat(),
    size: fc.integer({ min: 1, max: SIZE / 4 }),
    alignment: fc.constantFrom(1, 16, 4096, 8192),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const tested = slab();
      const live: { start: number; end: number }[] = [];
      for (const { free, pick, size, alignment } of steps) {
        if (free && live.length > 0) {
          const [range] = live.splice(pick % live.length, 1);
          tested.free(range.start);
        } else {
          const start = tested.tryAllocate(size, alignment);
          if (start === undefined) {
            assert.ok(tested.largestFree < size + alignment, `${size} refused with ${tested.largestFree} free`);
            continue;
          }
          const end = start + size;
          assert.equal(start % alignment, 0);
          assert.ok(start >= START && end <= START + SIZE);
          assert.ok(
            live.every((range) => end <= range.start || start >= range.end),
            "overlap",
          );
          live.push({ start, end });
        }
        const used = live.reduce((sum, range) => sum + range.end - range.start, 0);
        assert.equal(tested.freeSize, SIZE - used);
      }
      for (const range of live) tested.free(range.start);
      assert.equal(tested.freeRangeCount, 1);
      assert.equal(tested.largestFree, SIZE);
    }),
    { numRuns: 300 },
  );
});

test("freed memory is the first to be used again", () => {
  const tested = slab();
  const first = tested.allocate(4096, 4096, "a");
  tested.allocate(4096, 4096, "b");
  tested.free(first);
  assert.equal(tested.allocate(4096, 4096, "c"), first);
});

test("freed neighbours become one range, in whatever order they are freed", () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [0, 2, 1],
    [1, 0, 2],
  ]) {
    const tested = slab();
    const allocs = [0, 1, 2].map(() => tested.allocate(4096, 1, "a"));
    for (const i of order) tested.free(allocs[i]);
    assert.equal(tested.freeRangeCount, 1);
  }
});

test("freeing twice, or what was never allocated, is refused with the address", () => {
  const tested = slab();
  const address = tested.allocate(64, 16, "a");
  tested.free(address);
  assert.throws(
    () => tested.free(address),
    /nothing is allocated at 0x50000000 in the slab \[0x50000000, 0x50010000\)/,
  );
  assert.throws(() => tested.free(address + 16), SlablinkError);
});

test("running out says what was asked, what there is, and what to change", () => {
  const tested = slab();
  tested.allocate(0x8000, 1, "a");
  assert.throws(() => tested.allocate(0x9000, 1, "huge.o"), {
    code: "memory",
    message:
      "huge.o: needs 0x9000 bytes of slab, the largest free range has 0x8000 of 0x10000; use a larger --slab-size",
  });
  assert.match(exhausted("x.o", 1, []).message, /0x0 of 0x0/);
});

test("sizes and alignments that are no such are refused", () => {
  for (const size of [0, -1, Number.NaN, 1.5]) assert.throws(() => slab().tryAllocate(size, 1), /cannot allocate/);
  for (const alignment of [0, 3, -8]) assert.throws(() => slab().tryAllocate(1, alignment), /no power of two/);
});
