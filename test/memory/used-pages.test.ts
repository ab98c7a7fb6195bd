import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { SlabWorkingMemory } from "../../src/memory/slab-working-memory.ts";
import { UsedPages } from "../../src/memory/used-pages.ts";

const PAGE = 4096;

describe("pages that have contents and no user", () => {
  test("are taken out as they were added, whatever the ranges", () => {
    const step = fc.tuple(fc.boolean(), fc.nat(30), fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const pages = new UsedPages(1000);
        const model = new Set<number>();
        for (const [isAdd, start, size] of steps) {
          const range = { start, end: start + size };
          const inside = Array.from({ length: size }, (_, i) => start + i);
          if (isAdd) {
            if (inside.some((each) => model.has(each))) continue;
            assert.ok(pages.add(range));
            for (const each of inside) model.add(each);
          } else {
            const taken = pages
              .take(range)
              .flatMap((each) => Array.from({ length: each.end - each.start }, (_, i) => each.start + i));
            assert.deepEqual(
              taken,
              inside.filter((each) => model.has(each)),
            );
            for (const each of inside) model.delete(each);
          }
          assert.equal(pages.size, model.size);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("are not more than the limit", () => {
    const pages = new UsedPages(100);
    assert.ok(pages.add({ start: 0, end: 60 }));
    assert.ok(!pages.add({ start: 60, end: 101 }));
    assert.ok(pages.add({ start: 60, end: 100 }));
    assert.deepEqual(pages.take({ start: 0, end: 200 }), [{ start: 0, end: 100 }]);
    assert.equal(pages.size, 0);
  });
});

test("working memory that is used again is zeros, and the same pages where they were kept", () => {
  const memory = new SlabMemory(64 * PAGE);
  try {
    const discarded: number[] = [];
    const discard = memory.discard.bind(memory);
    memory.discard = (offset, size) => {
      if (size > 0) discarded.push(offset / PAGE, size / PAGE);
      discard(offset, size);
    };
    const base = 0x5000_0000;
    const working = new SlabWorkingMemory(memory, base);
    const first = working.prepare(base, 40 * PAGE);
    first.bytes.fill(7, base - first.base, base - first.base + 40 * PAGE);
    // One page in front of them was never part of a segment, and twenty between.
    working.discard(base + PAGE, 3 * PAGE);
    working.discard(base + 24 * PAGE, 16 * PAGE);
    assert.deepEqual(discarded, []);
    const second = working.prepare(base, 50 * PAGE);
    const start = base - second.base;
    assert.ok(second.bytes.subarray(start, start + 50 * PAGE).every((byte) => byte === 0));
    assert.deepEqual(discarded, [4, 20], "only much that was not kept went back to the kernel");
  } finally {
    memory.dispose();
  }
});
