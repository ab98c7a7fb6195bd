import assert from "node:assert/strict";
import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import { test } from "node:test";
import { linearMemory } from "../../src/host/linear-memory.ts";
import { MapFlag, mapMemory, protectMemory, reserveAddressSpace, unmapMemory } from "../../src/host/mapping.ts";
import { callResolver, writeWord } from "../../src/host/native-call.ts";
import { MAX_SLAB_SIZE, SlabMemory } from "../../src/host/slab-memory.ts";
import { MAX_VIEW_SIZE, readMemory, viewMemory } from "../../src/host/view.ts";

const PAGE = 4096;

test("a slab's memory is shared between its mappings, one of them executable", () => {
  const slab = new SlabMemory(3 * PAGE - 1);
  assert.equal(slab.size, 3 * PAGE);
  slab.bytes.set([0xb8, 5, 0, 0, 0, 0xc3], PAGE);
  const address = mapMemory({ size: PAGE, protection: 5, flags: MapFlag.shared, fd: slab.fd, offset: PAGE });
  assert.equal(callResolver(address), 5);
  slab.view.setUint8(PAGE + 1, 6);
  assert.equal(callResolver(address), 6);
  slab.discard(PAGE, PAGE);
  assert.equal(slab.bytes[PAGE], 0);
  assert.equal(readMemory(address, 1)[0], 0);
  unmapMemory(address, PAGE);
  slab.dispose();
});

test("who else holds a slab's memory cannot make it smaller", () => {
  const slab = new SlabMemory(2 * PAGE);
  const other = openSync(`/proc/self/fd/${slab.fd}`, "r+");
  assert.throws(() => ftruncateSync(other, PAGE), { code: "EPERM" });
  assert.equal(fstatSync(slab.fd).size, 2 * PAGE);
  closeSync(other);
  slab.dispose();
});

test("a disposed slab is closed, and its views fail cleanly", () => {
  const slab = new SlabMemory(PAGE);
  const { fd, view, bytes } = slab;
  slab.dispose();
  slab.dispose();
  assert.throws(() => fstatSync(fd), { code: "EBADF" });
  assert.throws(() => view.getUint8(0), TypeError);
  assert.equal(bytes.length, 0);
});

for (const linear of [linearMemory()!, null]) {
  const where = linear === null ? "apart from" : "in";
  test(`windows of a slab ${where} the linear memory are views of the same pages, and no more are made than needed`, () => {
    const slab = new SlabMemory(64 * 2 ** 20, undefined, linear);
    const first = slab.window(PAGE, PAGE);
    assert.equal(first.view.buffer === linear?.buffer, linear !== null);
    assert.equal(slab.window(10 * PAGE, PAGE), first);
    const last = slab.size - 1;
    const far = slab.window(60 * 2 ** 20, PAGE);
    assert.notEqual(far, first);
    far.bytes[last - far.offset] = 9;
    first.bytes[PAGE + 10 - first.offset] = 7;
    assert.equal(slab.bytes[PAGE + 10], 7);
    assert.equal(slab.bytes[last], 9);
    assert.throws(
      () => slab.window(slab.size - PAGE, 2 * PAGE),
      /no view of 0x2000 bytes at 0x3fff000: the slab has 0x4000000/,
    );
    slab.dispose();
    if (linear === null) assert.throws(() => first.view.getUint8(0), TypeError);
    else assert.equal(first.bytes[PAGE + 10 - first.offset], 0);
    assert.throws(() => slab.window(0, PAGE), /has been disposed/);
  });
}

test("slabs that are too large or empty are refused with both numbers", () => {
  assert.equal(MAX_SLAB_SIZE, 0x7fff_f000);
  for (const [size, text] of [
    [0, "0x0"],
    [2 ** 31, "0x80000000"],
  ] as const) {
    assert.throws(() => new SlabMemory(size), {
      code: "memory",
      message: new RegExp(`${text} is not from 1 to 0x7ffff000`),
    });
  }
});

test("views that would abort the process are refused", () => {
  assert.throws(() => viewMemory(0, PAGE), { code: "memory" });
  assert.throws(() => viewMemory(PAGE, 0), { code: "memory" });
  assert.throws(() => viewMemory(PAGE, MAX_VIEW_SIZE + 1), /the size must be from 1/);
});

test("address space is reserved exactly where it is asked for, or not at all", () => {
  const first = reserveAddressSpace(16 * PAGE);
  assert.ok(first);
  assert.equal(reserveAddressSpace(PAGE, first.start + PAGE), undefined);
  unmapMemory(first.start, 16 * PAGE);
  assert.deepEqual(reserveAddressSpace(PAGE, first.start), { start: first.start, end: first.start + PAGE });
  unmapMemory(first.start, PAGE);
});

test("failing calls say what was asked and why", () => {
  const request = { address: 0x5000_0001, size: PAGE, protection: 1, flags: MapFlag.private | MapFlag.fixed };
  assert.throws(() => mapMemory(request), /cannot map 0x1000 bytes at 0x50000001: /);
  assert.throws(
    () => protectMemory(0x5000_0001, PAGE, 1),
    /cannot protect 0x1000 bytes at 0x50000001: Invalid argument/,
  );
  assert.throws(() => reserveAddressSpace(2 ** 50), /cannot reserve 0x4000000000000 bytes of address space: Cannot/);
});

test("writing a word to read-only memory is an error, not a crash", () => {
  const address = mapMemory({ size: PAGE, protection: 3, flags: MapFlag.private | MapFlag.anonymous });
  writeWord(address, 0x1234_5678_9abc);
  assert.equal(new DataView(readMemory(address, 8).buffer).getBigUint64(0, true), 0x1234_5678_9abcn);
  protectMemory(address, PAGE, 1);
  assert.throws(() => writeWord(address, 1), { code: "memory", message: /Bad address/ });
  unmapMemory(address, PAGE);
  assert.throws(() => writeWord(address, 1), /cannot write 8 bytes at 0x[0-9a-f]+: Bad address/);
});
