import assert from "node:assert/strict";
import { test } from "node:test";
import { lowCandidates, lowGaps, nearCandidates, withoutOccupied } from "../../src/memory/placement.ts";

const MIB = 2 ** 20;

test("low places start at 0x50000000 and stay below 0x7fff0000", () => {
  const places = lowCandidates(256 * MIB);
  assert.equal(places[0], 0x5000_0000);
  assert.ok(places.every((start) => start >= 0x200_0000 && start + 256 * MIB <= 0x7fff_0000));
  assert.equal(new Set(places).size, places.length);
});

test("a slab too large for the space above 0x50000000 still has places below it", () => {
  const places = lowCandidates(1024 * MIB);
  assert.ok(places.length > 0);
  assert.ok(places.every((start) => start + 1024 * MIB <= 0x7fff_0000));
  assert.deepEqual(lowCandidates(2 ** 31), []);
});

test("near places are within 1 GiB of libc on both sides, and do not contain it", () => {
  const libc = 0x7fff_1234_5678;
  const places = nearCandidates(64 * MIB, libc);
  assert.ok(places.some((start) => start < libc) && places.some((start) => start > libc));
  for (const start of places) {
    assert.ok(start + 64 * MIB <= libc || start > libc);
    assert.ok(Math.max(libc - start, start + 64 * MIB - libc) <= 2 ** 30);
    assert.equal(start % 4096, 0);
  }
});

test("occupied places are left out", () => {
  const occupied = [{ start: 0x5000_0000, end: 0x5000_1000 }];
  const places = withoutOccupied(lowCandidates(16 * MIB), 16 * MIB, occupied);
  assert.equal(places[0], 0x5400_0000);
  assert.ok(places.includes(0x4c00_0000));
});

test("gaps below 2 GiB are found wherever they begin", () => {
  const occupied = [
    { start: 0x40_0000, end: 0x600_1000 },
    { start: 0x1000_0000, end: 0x1100_0000 },
  ];
  assert.deepEqual(lowGaps(1700 * MIB, occupied), [0x1100_0000]);
  assert.deepEqual(lowGaps(64 * MIB, occupied), [0x700_0000, 0x1100_0000]);
  assert.deepEqual(lowGaps(1800 * MIB, occupied), []);
});
