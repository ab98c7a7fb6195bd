import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Columns } from "../../src/kernel/columns.ts";
import { OfferSet } from "../../src/orc/offer-set.ts";

function setOf(capacity: number, offers: Iterable<number> = []): OfferSet {
  const set = new OfferSet(new Columns());
  set.reserve(capacity);
  for (const offer of offers) set.add(offer);
  return set;
}

test("the next offer from any place on is the smallest one that is not below it", () => {
  const change = fc.record({ offer: fc.nat(70_000), isAdded: fc.boolean(), from: fc.nat(70_010) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const set = setOf(70_001);
      const model = new Set<number>();
      for (const { offer, isAdded, from } of changes) {
        if (isAdded) {
          set.add(offer);
          model.add(offer);
        } else {
          set.delete(offer);
          model.delete(offer);
        }
        const later = [...model].filter((each) => each >= from);
        assert.equal(set.next(from), later.length === 0 ? -1 : Math.min(...later));
      }
      assert.deepEqual(
        [...set],
        [...model].sort((a, b) => a - b),
      );
    }),
  );
});

test("sizes at the edges of words and levels", () => {
  for (const capacity of [1, 31, 32, 33, 1023, 1024, 1025, 32_768, 32_769, 1_048_577]) {
    const set = setOf(capacity, [0, capacity - 1]);
    assert.equal(set.next(1), capacity === 1 ? -1 : capacity - 1, `${capacity}`);
    assert.equal(set.next(capacity), -1, `${capacity}`);
    set.delete(capacity - 1);
    assert.equal(set.next(1), -1, `${capacity}`);
  }
});

test("a set that grows keeps what it has", () => {
  const offers = [3, 64, 1000, 4095];
  const set = setOf(4096, offers);
  set.reserve(5_000_000);
  set.add(4_999_999);
  assert.deepEqual([...set], [...offers, 4_999_999]);
});
