import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import {
  LlvmWrapper,
  ProcessSymbolsGenerator,
  type RemoteExecutorProcessControl,
  readingOpener,
  SpsReader,
  SpsWriter,
} from "slablink";
import { launch, launchBlocking } from "../epc/executors.ts";
import { compile } from "../support/compile.ts";
import { openSession } from "../support/session.ts";
import { has } from "../support/tools.ts";
import { holdingOf, ownHolding } from "./measure.ts";

const REQUESTS = 1000;
const EXECUTORS = 100;
/** Threads that an executor may have: its main one, the reader, those that make calls (docs/protocol.md). */
const MOST_THREADS = 66;

const threadsOf = (pid: number) => readdirSync(`/proc/${pid}/task`).length;

function callWith(epc: RemoteExecutorProcessControl, address: number, value: number): Promise<number> {
  const argument = new SpsWriter().u64(address).u32(value).bytes;
  return epc
    .callWrapper(LlvmWrapper.runAsIntFunction, argument)
    .then((result) => new SpsReader(result, "calling a function").i32("value"));
}

for (const [name, start] of [
  ["the event loop", () => launch()],
  ["this thread", launchBlocking],
] as const) {
  test(`${REQUESTS} calls in flight, waited for by ${name}: each gets its own answer`, async () => {
    const epc = await start();
    const pid = epc.pid as number;
    try {
      const [abs] = await epc.resolve(0, ["abs"]);
      const round = async (): Promise<void> => {
        const calls = Array.from({ length: REQUESTS }, (_, i) => callWith(epc, abs, -i));
        const lookups = Array.from({ length: REQUESTS }, (_, i) => epc.resolve(0, [i % 2 === 0 ? "abs" : "labs"]));
        assert.deepEqual(
          await Promise.all(calls),
          calls.map((_, i) => i),
        );
        assert.ok((await Promise.all(lookups)).every(([address]) => address > 0));
      };
      await round();
      const before = holdingOf(pid);
      for (let i = 0; i < 10; i++) await round();
      const after = holdingOf(pid);
      assert.equal(after.descriptors, before.descriptors);
      assert.ok(after.resident - before.resident < 2048, `${after.resident - before.resident} KiB more`);
      assert.ok(threadsOf(pid) <= MOST_THREADS, `${threadsOf(pid)} threads`);
    } finally {
      await epc.disconnect();
    }
  });
}

test(`${REQUESTS} calls of linked code that waits, in flight at once: bounded threads, none lost`, async (t) => {
  if (!has(t, "gcc")) return;
  const source = `#include <unistd.h>\nint twice(int value) { usleep(2000); return 2 * value; }\n`;
  const session = await openSession();
  const epc = session.epc as RemoteExecutorProcessControl;
  try {
    const dylib = session.createJITDylib("main");
    dylib.addGenerator(new ProcessSymbolsGenerator());
    dylib.addObject(readingOpener.open(await compile(["gcc", "-O1", "-fPIE"], "twice.c", source)));
    const address = (await session.lookup(dylib, ["twice"])).get("twice")!;
    const calls = Array.from({ length: REQUESTS }, (_, i) => callWith(epc, address, i));
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => 2 * i),
    );
    assert.ok(threadsOf(epc.pid as number) <= MOST_THREADS, `${threadsOf(epc.pid as number)} threads`);
  } finally {
    await session.endSession();
  }
});

test(`${EXECUTORS} executors at once: each links and runs, and all go`, async (t) => {
  if (!has(t, "gcc")) return;
  const source = `#include <unistd.h>\nint process(void) { return getpid(); }\n`;
  const object = readingOpener.open(await compile(["gcc", "-O1", "-fPIE"], "process.c", source));
  const round = async (count: number): Promise<void> => {
    const sessions = await Promise.all(Array.from({ length: count }, () => openSession()));
    const pids = sessions.map(({ epc }) => (epc as RemoteExecutorProcessControl).pid as number);
    try {
      const answers = await Promise.all(
        sessions.map(async (session) => {
          const dylib = session.createJITDylib("main");
          dylib.addGenerator(new ProcessSymbolsGenerator());
          dylib.addObject(object);
          const address = (await session.lookup(dylib, ["process"])).get("process")!;
          return callWith(session.epc as RemoteExecutorProcessControl, address, 0);
        }),
      );
      assert.deepEqual(answers, pids);
      assert.equal(new Set(pids).size, count);
    } finally {
      await Promise.all(sessions.map((session) => session.endSession()));
    }
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  };
  await round(2);
  const before = ownHolding();
  await round(EXECUTORS);
  const after = ownHolding();
  assert.equal(after.descriptors, before.descriptors);
  assert.ok(after.mappings - before.mappings < 40, `${after.mappings - before.mappings} mappings more`);
});
