import assert from "node:assert/strict";
import { test } from "node:test";
import { EpcConnection } from "../../src/epc/connection.ts";
import { encodeHeader, Opcode } from "../../src/epc/frame.ts";
import { launchExecutor } from "../../src/epc/launch.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { executorPath, isAlive, llvmExecutorPath, withoutLlvm } from "../epc/executors.ts";
import { FakeExecutor } from "../epc/fake-executor.ts";
import { ownHolding } from "../load/measure.ts";
import { tableRow } from "../support/table.ts";
import { limitNow } from "./relay.ts";

const CALLS = 4;

/** What an executor sends: Setup and the results of some calls, with the place at which each message ends. */
function recorded(): { bytes: Uint8Array; ends: number[] } {
  const setup = new SpsWriter().string("x86_64-pc-linux-gnu").u64(4096).u64(0).u64(0).bytes;
  const frames = [Buffer.concat([encodeHeader(Opcode.setup, 0, 0, setup.length), setup])];
  for (let i = 0; i < CALLS; i++) {
    const payload = new Uint8Array(20 * i).fill(i);
    frames.push(Buffer.concat([encodeHeader(Opcode.result, i, 0, payload.length), payload]));
  }
  let end = 0;
  const ends = frames.map(({ length }) => (end += length));
  return { bytes: Buffer.concat(frames), ends };
}

test("a stream that ends after any byte settles every call, by its result or by an error", async () => {
  const { bytes, ends } = recorded();
  for (const piece of [1, 7, bytes.length]) {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const executor = new FakeExecutor();
      const connection = new EpcConnection(executor.stream);
      const calls = Array.from({ length: CALLS }, () => connection.call(16, new Uint8Array(1)));
      const all = Promise.allSettled([connection.setup, ...calls]);
      for (let at = 0; at < cut; at += piece) executor.sendBytes(bytes.slice(at, Math.min(at + piece, cut)));
      executor.end();
      const settled = (await all).map(({ status }) => status === "fulfilled");
      assert.deepEqual(
        settled,
        ends.map((end) => end <= cut),
        `${cut} bytes in pieces of ${piece}`,
      );
      assert.equal(connection.outstanding, 0);
      await assert.rejects(connection.call(16, new Uint8Array(1)), /the executor/);
    }
  }
  const what = `the stream ends after any of ${bytes.length} bytes, in pieces of 1, 7 and all (library)`;
  tableRow(
    "faults",
    "connection ended",
    what,
    "–",
    "each call has its result or `the executor closed the connection`, `… ended inside a frame`",
    "nothing",
  );
});

for (const [name, llvm, blocking, skip] of [
  ["slablink's executor", false, false, false],
  ["slablink's executor, waited for by this thread", false, true, false],
  ["LLVM's executor", true, false, withoutLlvm],
] as const) {
  test(`${name}: killed after any number of requests, many times in one process`, { skip }, async () => {
    const path = llvm ? llvmExecutorPath : executorPath;
    const round = async (requests: number): Promise<void> => {
      const slab = llvm ? undefined : new SlabMemory(2 ** 24);
      const epc = await launchExecutor({ path, llvm, blocking, slab });
      const pid = epc.pid as number;
      for (let i = 0; i < requests; i++) await epc.resolve(0, [`name_${i}`]);
      const pending = Array.from({ length: requests }, (_, i) => epc.resolve(0, [`other_${i}`]));
      process.kill(pid, "SIGKILL");
      const at = performance.now();
      for (const { status, reason } of (await Promise.allSettled(pending)) as PromiseRejectedResult[]) {
        if (status === "rejected") assert.match(reason.message, /the executor was killed by SIGKILL/);
      }
      await assert.rejects(epc.resolve(0, ["puts_or_not"]), /the executor was killed by SIGKILL/);
      assert.deepEqual(await epc.ended, { signal: "SIGKILL" });
      assert.ok(performance.now() - at < limitNow());
      await epc.disconnect();
      slab?.dispose();
      assert.equal(isAlive(pid), false);
    };
    for (let i = 0; i < 3; i++) await round(i);
    const before = ownHolding();
    for (let i = 0; i < 30; i++) await round(i % 10);
    const after = ownHolding();
    assert.equal(after.descriptors, before.descriptors);
    const mappings = after.fileMappings - before.fileMappings;
    assert.ok(mappings < 20, `${mappings} mappings of files more`);
    const what = "30, after 0 to 9 requests, as many pending (library)";
    tableRow(
      "faults",
      `executor killed (${name})`,
      what,
      "–",
      "`the executor was killed by SIGKILL`",
      "nothing: descriptors, mappings, processes",
    );
  });
}
