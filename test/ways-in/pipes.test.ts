import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { Slablink } from "../../src/epc/dialect.ts";
import { launchExecutor } from "../../src/epc/launch.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { reserveRemoteSlab } from "../../src/memory/remote-requests.ts";
import { executorPath, isAlive, llvmExecutorPath } from "../epc/executors.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";

/** Kinds of the descriptors that a process holds. */
const kinds = (pid: number, fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:.*/, "");

test("an executor's stream may be two pipes", async () => {
  const slab = new SlabMemory(2 ** 20);
  const epc = await launchExecutor({ path: executorPath, pipes: true, slab, preload: undefined });
  const pid = epc.pid!;
  const held = readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .filter((fd) => fd > 2)
    .map((fd) => kinds(pid, fd));
  // Whoever started the test may have left it another.
  assert.ok(held.filter((kind) => kind === "pipe").length >= 2);
  assert.ok(!held.includes("socket"));
  assert.ok(epc.isSlablink);
  const { start, end } = await reserveRemoteSlab(epc, slab.size, undefined, "fd:4");
  assert.equal(end - start, slab.size);
  const many = Array.from({ length: 200 }, () => epc.callWrapper(Slablink.processorTime, new Uint8Array(0)));
  for (const result of await Promise.all(many)) assert.equal(result.length, 16);
  await epc.disconnect();
  assert.deepEqual(await epc.ended, { status: 0 });
  assert.ok(!isAlive(pid));
  slab.dispose();
  tableRow("ways in", "a child over two pipes", "shared", "who starts it", "requests of any number are answered");
});

test("an executor over pipes that is killed says so", async () => {
  const epc = await launchExecutor({ path: executorPath, pipes: true });
  epc.kill("SIGKILL");
  assert.deepEqual(await epc.ended, { signal: "SIGKILL" });
  await assert.rejects(epc.openLibrary("libm.so.6"), /the executor was killed by SIGKILL/);
  await assert.rejects(launchExecutor({ path: "/nowhere", pipes: true }), /\/nowhere: cannot start the executor: /);
});

test("LLVM's executor takes two pipes as well", async (t) => {
  if (!has(t, llvmExecutorPath)) return;
  const epc = await launchExecutor({ path: llvmExecutorPath, llvm: true, pipes: true });
  assert.ok(!epc.isSlablink);
  const [address] = await epc.resolve(0, ["printf"]);
  assert.notEqual(address, 0);
  await epc.disconnect();
});
