import assert from "node:assert/strict";
import { test } from "node:test";
import { Llvm, Slablink } from "../../src/epc/dialect.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { readMaps } from "../../src/host/maps.ts";
import { ObjectMemoryManager } from "../../src/memory/object-memory-manager.ts";
import { launch } from "../epc/executors.ts";
import { loads, returns } from "./machine-code.ts";

const PAGE = 4096;
const RUN = "__llvm_orc_bootstrap_run_as_void_function_wrapper";

/** A job of an anchor's page, two objects (code; code and data), and a page that they share. */
const request = { size: 6 * PAGE, alignment: PAGE, parts: [PAGE, 2 * PAGE, 4 * PAGE], name: "job" };

async function open() {
  const epc = await launch();
  const manager = new ObjectMemoryManager(epc);
  const calls: string[] = [];
  const callWrapper = epc.callWrapper.bind(epc);
  epc.callWrapper = (name, argument) => {
    calls.push(name);
    return callWrapper(name, argument);
  };
  const call = async (address: number): Promise<number> => {
    return new SpsReader(await callWrapper(RUN, new SpsWriter().u64(address).bytes), "calling").i32("value");
  };
  /** What is mapped in the executor from `address` on, as `r-xp 1` (protection, pages). */
  const mapped = (address: number): string[] => {
    const ranges = readMaps(epc.pid!).filter(({ start, end }) => end > address && start < address + request.size);
    return ranges.map(({ start, end, permissions }) => `${permissions} ${(end - start) / PAGE}`);
  };
  return { epc, manager, calls, call, mapped };
}

const count = (calls: readonly string[], name: string): number => calls.filter((each) => each === name).length;

function segment(address: number, protection: number) {
  return { address, contentSize: 16, zeroFillSize: 0, protection };
}

test("each part is reserved and finalized by requests of its own, with its contents", async () => {
  const { epc, manager, calls, call, mapped } = await open();
  try {
    const alloc = await manager.allocate(request);
    assert.ok(alloc.address < 2 ** 31, "below 2 GiB");
    // One more finds a place for all.
    assert.equal(count(calls, Slablink.slabReserve), 1 + 4);
    const at = (page: number): number => alloc.address + PAGE * page;
    const { bytes, view, base } = alloc.memory;
    bytes.set(returns(11), at(1) - base);
    bytes.set(loads(at(3)), at(2) - base);
    view.setInt32(at(3) - base, 22, true);
    const segments = [segment(at(1), 5), segment(at(2), 5), segment(at(3), 3), segment(at(4), 1)];
    const finalized = await alloc.finalize(segments, []);
    assert.equal(count(calls, Llvm.memoryInitialize), 3, "two objects, and what they share");
    assert.equal(await call(at(1)), 11);
    assert.equal(await call(at(2)), 22);
    assert.deepEqual(mapped(alloc.address), ["---p 1", "r-xp 2", "rw-p 1", "r--p 1", "---p 1"]);
    await assert.rejects(alloc.abandon(), /finalized or abandoned once/);
    await manager.deallocate([finalized]);
    await assert.rejects(manager.deallocate([finalized]), /nothing is allocated at 0x/);
    const again = await manager.allocate(request);
    assert.equal(again.address, alloc.address, "what was deallocated is free again");
    await again.abandon();
    assert.deepEqual(mapped(alloc.address), [], "and nothing stays reserved");
  } finally {
    await epc.disconnect();
  }
});

test("a part that cannot be reserved or finalized fails the job, and what the others had is given back", async () => {
  const { epc, manager, calls, mapped } = await open();
  try {
    const { address } = await manager.allocate(request).then(async (alloc) => {
      await alloc.abandon();
      return alloc;
    });
    const callWrapper = epc.callWrapper;
    // Somebody else takes the third part once a place for all was found.
    let reservations = 0;
    epc.callWrapper = async (name, argument) => {
      if (name !== Slablink.slabReserve || ++reservations !== 4) return callWrapper(name, argument);
      const taken = new SpsWriter()
        .u64(address + 2 * PAGE)
        .u64(PAGE)
        .string("").bytes;
      await callWrapper(name, taken);
      return callWrapper(name, argument);
    };
    await assert.rejects(manager.allocate(request), { code: "memory", message: /cannot be reserved: in the way is/ });
    assert.deepEqual(mapped(address), ["---p 1"]);
    epc.callWrapper = callWrapper;

    const other = await manager.allocate(request);
    assert.notEqual(other.address, address, "looks for another place");
    const before = calls.length;
    const wrong = { finalize: { name: Slablink.resolveIfuncs, argument: new Uint8Array(3) } };
    await assert.rejects(other.finalize([segment(other.address + PAGE, 5)], [wrong]), /resolve/i);
    assert.ok(calls.length > before);
    const next = await manager.allocate(request);
    assert.equal(next.address, other.address, "its memory was given back");
    await next.abandon();
  } finally {
    await epc.disconnect();
  }
});

test("an allocation is answered by a task of its own, or inline", async () => {
  const { epc } = await open();
  try {
    for (const tasks of ["dispatched", "inline"] as const) {
      const manager = new ObjectMemoryManager(epc, { tasks });
      const callWrapper = epc.callWrapper.bind(epc);
      let turn = 0;
      let answered = -1;
      epc.callWrapper = async (name, argument) => {
        const result = await callWrapper(name, argument);
        answered = turn;
        return result;
      };
      const ticking = setInterval(() => turn++, 0);
      const count = (): void => {
        turn++;
        immediate = setImmediate(count);
      };
      let immediate = setImmediate(count);
      const alloc = await manager.allocate(request);
      const waited = turn - answered;
      clearInterval(ticking);
      clearImmediate(immediate);
      epc.callWrapper = callWrapper;
      if (tasks === "inline") assert.equal(waited, 0, "in the turn of the executor's answer");
      else assert.ok(waited > 0, "in a later turn");
      await alloc.abandon();
    }
  } finally {
    await epc.disconnect();
  }
});
