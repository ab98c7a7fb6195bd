import assert from "node:assert/strict";
import { test } from "node:test";
import { Slablink } from "../../src/epc/dialect.ts";
import { InProcessExecutorProcessControl } from "../../src/epc/in-process.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { findSymbols, RTLD_DEFAULT } from "../../src/host/dynamic-loader.ts";
import { MapFlag, mapMemory, unmapMemory } from "../../src/host/mapping.ts";
import { InProcessMemoryMapper } from "../../src/memory/in-process-mapper.ts";
import type { InFlightAlloc } from "../../src/memory/jitlink-memory-manager.ts";
import { SlabMemoryManager, type SlabOptions } from "../../src/memory/slab-memory-manager.ts";
import { heldResources, SLAB_SIZE, targetKinds } from "./harness.ts";
import { loads, returns } from "./machine-code.ts";

const PAGE = 4096;
const request = (name: string, size = 2 * PAGE) => ({ size, alignment: PAGE, name });

function writeCode(alloc: InFlightAlloc, code: Uint8Array, offset = 0): void {
  alloc.memory.bytes.set(code, alloc.address + offset - alloc.memory.base);
}

const codeSegment = (alloc: InFlightAlloc) => [
  { address: alloc.address, contentSize: 64, zeroFillSize: 0, protection: 5 },
];

for (const kind of targetKinds) {
  test(`${kind.name}: jobs side by side, one request to finalize each`, { skip: kind.skip }, async () => {
    const before = heldResources();
    const { mapper, epc, call, close } = await kind.open();
    const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
    try {
      const allocs = await Promise.all([11, 22, 33].map((value) => manager.allocate(request(`job ${value}`))));
      assert.equal(manager.slabs.length, 1);
      if (mapper.canPlace)
        assert.ok(
          allocs.every(({ address }) => address < 2 ** 31),
          "below 2 GiB",
        );
      allocs.forEach((alloc, i) => {
        writeCode(alloc, returns(11 * (i + 1)));
      });
      const requests = epc.counters.requests;
      await allocs[1].abandon();
      const first = await allocs[0].finalize(codeSegment(allocs[0]), []);
      const third = await allocs[2].finalize(codeSegment(allocs[2]), []);
      assert.equal(epc.counters.requests - requests, epc.kind === "remote" ? 2 : 0);
      assert.equal(await call(first.address), 11);
      assert.equal(await call(third.address), 33);
      const again = await manager.allocate(request("again"));
      assert.equal(again.address, allocs[1].address, "abandoned memory is used again");
      await again.abandon();
      await manager.deallocate([first, third]);
      if (mapper.canReuse) assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
      await manager.dispose();
    } finally {
      await close();
    }
    assert.deepEqual(heldResources(), before);
  });
}

async function inProcess(options: SlabOptions): Promise<SlabMemoryManager> {
  const epc = new InProcessExecutorProcessControl();
  return new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, options);
}

test("an allocation is not resolved before other tasks had their turn", async () => {
  const manager = await inProcess({ slabSize: SLAB_SIZE });
  const order: string[] = [];
  const allocated = manager.allocate(request("a")).then((alloc) => {
    order.push("allocated");
    return alloc;
  });
  await Promise.resolve().then(() => order.push("microtask"));
  await (await allocated).abandon();
  assert.deepEqual(order, ["microtask", "allocated"]);
  await manager.dispose();
});

test("a job larger than the slab is refused with both numbers", async () => {
  const manager = await inProcess({ slabSize: SLAB_SIZE });
  const message =
    "big.o: needs 0x1001000 bytes of slab, the largest free range has 0x1000000 of 0x1000000; use a larger --slab-size";
  await assert.rejects(manager.allocate(request("big.o", SLAB_SIZE + 1)), { code: "memory", message });
});

test("a full slab is refused, or another one reserved where that is allowed", async () => {
  for (const maxSlabs of [1, 2]) {
    const manager = await inProcess({ slabSize: SLAB_SIZE, maxSlabs });
    const first = await manager.allocate(request("a", SLAB_SIZE));
    const second = manager.allocate(request("b", SLAB_SIZE));
    if (maxSlabs === 1)
      await assert.rejects(second, /b: needs 0x1000000 bytes of slab, the largest free range has 0x0/);
    else await (await second).abandon();
    assert.equal(manager.slabs.length, maxSlabs);
    await first.abandon();
    await manager.dispose();
  }
});

test("something in the way of the first place only moves the slab", async () => {
  const address = 0x5000_0000;
  const flags = MapFlag.private | MapFlag.anonymous | MapFlag.fixedNoReplace;
  mapMemory({ address, size: PAGE, protection: 0, flags });
  const manager = await inProcess({ slabSize: SLAB_SIZE });
  try {
    const alloc = await manager.allocate(request("a"));
    assert.equal(alloc.address, 0x5400_0000);
    await alloc.abandon();
    await manager.dispose();
  } finally {
    unmapMemory(address, PAGE);
  }
});

test("a slab that fits nowhere below 2 GiB says so", async () => {
  const manager = await inProcess({ slabSize: 2 ** 31 - PAGE });
  await assert.rejects(manager.allocate(request("a")), /no room for a slab of 0x7ffff000 bytes with placement low/);
});

test("near-libc puts the slab within reach of the C library", async () => {
  const manager = await inProcess({ slabSize: SLAB_SIZE, placement: "near-libc" });
  const [libc] = findSymbols(RTLD_DEFAULT, ["gnu_get_libc_version"]);
  const alloc = await manager.allocate(request("a"));
  assert.ok(Math.abs(alloc.address - libc) < 2 ** 30);
  await alloc.abandon();
  await manager.dispose();
});

test("finalizing twice or after abandon is refused; so is deallocating twice", async () => {
  const manager = await inProcess({ slabSize: SLAB_SIZE });
  const abandoned = await manager.allocate(request("a"));
  await abandoned.abandon();
  await assert.rejects(async () => abandoned.finalize([], []), /once/);
  const alloc = await manager.allocate(request("b"));
  const finalized = await alloc.finalize(codeSegment(alloc), []);
  await manager.deallocate([finalized]);
  await assert.rejects(manager.deallocate([finalized]), /nothing is initialized/);
  await manager.dispose();
});

for (const kind of targetKinds.slice(0, 4)) {
  test(`${kind.name}: ifuncs are resolved as an action; a wrong slot is an error`, async () => {
    const { mapper, epc, call, close } = await kind.open();
    const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
    try {
      const alloc = await manager.allocate(request("ifunc", 4 * PAGE));
      const base = alloc.address;
      const [slot, pairs] = [base + PAGE, base + 2 * PAGE];
      writeCode(alloc, returns(0x1234));
      writeCode(alloc, loads(slot), 32);
      alloc.memory.view.setBigUint64(pairs - alloc.memory.base, BigInt(slot), true);
      alloc.memory.view.setBigUint64(pairs + 8 - alloc.memory.base, BigInt(base), true);
      const segments = [
        { address: base, contentSize: 64, zeroFillSize: 0, protection: 5 },
        { address: slot, contentSize: 8, zeroFillSize: 0, protection: 3 },
        { address: pairs, contentSize: 16, zeroFillSize: 0, protection: 1 },
      ];
      const argument = new SpsWriter().addressRange({ start: pairs, end: pairs + 16 }).bytes;
      const finalized = await alloc.finalize(segments, [{ finalize: { name: Slablink.resolveIfuncs, argument } }]);
      assert.equal(await call(base + 32), 0x1234);
      await manager.deallocate([finalized]);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);

      const wrong = await manager.allocate(request("wrong", 4 * PAGE));
      writeCode(wrong, returns(1));
      wrong.memory.view.setBigUint64(pairs - wrong.memory.base, BigInt(base), true);
      wrong.memory.view.setBigUint64(pairs + 8 - wrong.memory.base, BigInt(base), true);
      await assert.rejects(wrong.finalize(segments, [{ finalize: { name: Slablink.resolveIfuncs, argument } }]), /0x/);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE, "what failed to finalize is free again");
    } finally {
      await close();
    }
  });
}
