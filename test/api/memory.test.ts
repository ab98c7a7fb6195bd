import assert from "node:assert/strict";
import { test } from "node:test";
import { type InFlightAlloc, Protection, SlabMemoryManager } from "slablink";
import { returns } from "../memory/machine-code.ts";
import { call, modes, SLAB_SIZE } from "./modes.ts";

const PAGE = 4096;

/** Puts code at the start of an allocation and says that it is code. */
function writeCode(alloc: InFlightAlloc, code: Uint8Array) {
  alloc.memory.bytes.set(code, alloc.address - alloc.memory.base);
  const protection = Protection.read | Protection.exec;
  return [{ address: alloc.address, contentSize: code.length, zeroFillSize: 0, protection }];
}

for (const mode of modes) {
  test(`${mode.name}: machine code written by hand is finalized, runs, and gives its memory back`, async () => {
    const { epc, mapper } = await mode.open();
    try {
      const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
      const request = { size: PAGE, alignment: PAGE, name: "by hand" };
      const first = await manager.allocate(request);
      const finalized = await first.finalize(writeCode(first, returns(42)), []);
      assert.equal(await call(epc, finalized.address), 42);
      const other = await manager.allocate(request);
      assert.notEqual(other.address, first.address);
      await manager.deallocate([finalized]);
      const again = await manager.allocate(request);
      assert.equal(again.address, first.address, "what was deallocated is used again");
      const at = again.address - again.memory.base;
      assert.deepEqual(again.memory.bytes.subarray(at, at + 6), new Uint8Array(6), "and has nothing in it");
      const second = await again.finalize(writeCode(again, returns(-7)), []);
      assert.equal(await call(epc, second.address), -7);
      await other.abandon();
      await manager.deallocate([second]);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
      assert.equal(manager.slabs[0].freeRangeCount, 1, "free ranges are joined");
      await manager.dispose();
    } finally {
      await epc.disconnect();
    }
  });

  test(`${mode.name}: code written by hand runs as a program`, async () => {
    const { epc, mapper } = await mode.open();
    try {
      const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
      const alloc = await manager.allocate({ size: PAGE, alignment: PAGE, name: "program" });
      const { address } = await alloc.finalize(writeCode(alloc, returns(3)), []);
      const none = { initFunctions: [], initArrays: [], finiArrays: [], finiFunctions: [], dsoHandle: 0 };
      assert.deepEqual(await epc.runProgram({ main: address, argv: ["by-hand"], ...none }), { status: 3 });
    } finally {
      await epc.disconnect();
    }
  });
}
