import assert from "node:assert/strict";
import { test } from "node:test";
import { givesHugePages } from "../../src/host/huge-pages.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { SlabWorkingMemory } from "../../src/memory/slab-working-memory.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const BASE = 0x5000_0000;

test("much fresh memory is prepared apart and reaches the slab when it is published, and only that", () => {
  const slab = new SlabMemory(16 * MIB);
  const working = new SlabWorkingMemory(slab, BASE);
  const address = BASE + PAGE;
  const memory = working.prepare(address, 3 * MIB);
  const at = address - memory.base;
  assert.equal(memory.publish !== undefined, givesHugePages());
  assert.equal(
    memory.bytes.subarray(at, at + 3 * MIB).every((byte) => byte === 0),
    true,
  );
  memory.bytes.fill(7, at, at + 3 * MIB);
  if (givesHugePages()) assert.equal(slab.bytes[PAGE], 0);
  memory.publish?.(address + 2 * MIB, PAGE);
  assert.equal(slab.bytes[PAGE + 2 * MIB], 7);
  if (givesHugePages()) assert.equal(slab.bytes[2 * PAGE + 2 * MIB], 0);
  working.publish(address, 3 * MIB);
  assert.equal(slab.bytes[PAGE], 7);
  assert.equal(slab.bytes[PAGE + 3 * MIB - 1], 7);
  working.settle(address);
  working.dispose();
});

test("memory that was prepared apart and abandoned starts as zeros the next time", () => {
  const slab = new SlabMemory(16 * MIB);
  const working = new SlabWorkingMemory(slab, BASE);
  for (let round = 0; round < 3; round++) {
    const memory = working.prepare(BASE, 2 * MIB);
    const at = BASE - memory.base;
    assert.equal(
      memory.bytes.subarray(at, at + 2 * MIB).every((byte) => byte === 0),
      true,
      `round ${round}`,
    );
    memory.bytes.fill(9, at, at + 2 * MIB);
    memory.publish?.(BASE, MIB);
    working.settle(BASE);
  }
  working.dispose();
});

test("memory behind what is prepared apart is fresh, and neither disturbs the other", () => {
  const slab = new SlabMemory(16 * MIB);
  const working = new SlabWorkingMemory(slab, BASE);
  const [first, second] = [working.prepare(BASE, 2 * MIB), working.prepare(BASE + 2 * MIB, 2 * MIB)];
  first.bytes.fill(1, BASE - first.base, BASE - first.base + 2 * MIB);
  second.bytes.fill(2, BASE + 2 * MIB - second.base, BASE - second.base + 4 * MIB);
  working.publish(BASE + 2 * MIB, 2 * MIB);
  working.settle(BASE + 2 * MIB);
  working.publish(BASE, 2 * MIB);
  working.settle(BASE);
  assert.deepEqual([slab.bytes[2 * MIB - 1], slab.bytes[2 * MIB]], [1, 2]);
  working.dispose();
});
