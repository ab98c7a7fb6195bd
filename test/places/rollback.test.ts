import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  ExecutionSession,
  type ExecutorProcessControl,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  LlvmWrapper,
  launchExecutor,
  RpcMemoryMapper,
  readingOpener,
  SharedMemoryMapper,
  SlabMemory,
  SlabMemoryManager,
  SpsReader,
  SpsWriter,
} from "slablink";
import { libc } from "../../src/host/libc.ts";
import { call } from "../api/modes.ts";
import { holdingOf } from "../load/measure.ts";
import { compile, mustRun } from "../support/compile.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

const SLAB_SIZE = 16 * 2 ** 20;
/** Code, constants, data, zero-fill and unwind information: a segment of each kind. */
const SOURCE = `
static int counter = 41, zero[10000];
const char *const names[] = {"a", "b"};
int f(void) { return ++counter + zero[counter]; }
`;

/** Makes the N-th call of a kind from now on fail for want of memory; 0: none. Gives the calls since the last time. */
type Scarce = (count: number) => Promise<number>;

interface Place {
  readonly epc: ExecutorProcessControl;
  readonly manager: SlabMemoryManager;
  readonly session: ExecutionSession;
  readonly scarce: Scarce;
}

async function inExecutor(shared: boolean): Promise<Place> {
  const library = join(freshDirectory(), "scarce.so");
  const source = join(packageRoot, "test/places/scarce.c");
  await mustRun("cc", ["-O1", "-Wall", "-Werror", "-fno-builtin", "-shared", "-fPIC", source, "-o", library]);
  const slab = shared ? new SlabMemory(SLAB_SIZE) : undefined;
  const env = { ...process.env, LD_PRELOAD: library };
  const epc = await launchExecutor({ path: executorPath(), slab, env });
  const mapper = shared ? new SharedMemoryMapper(epc, { inherited: slab }) : new RpcMemoryMapper(epc);
  const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
  const session = new ExecutionSession({ epc, memoryManager: manager, sharedMemory: shared });
  const [address] = await epc.resolve(0, ["scarce_after"]);
  assert.ok(address > 0);
  const scarce = async (count: number): Promise<number> => {
    const argument = new SpsWriter().u64(address).u32(count).bytes;
    const result = await epc.callWrapper(LlvmWrapper.runAsIntFunction, argument);
    return new SpsReader(result, "scarce").i32("calls");
  };
  return { epc, manager, session, scarce };
}

/** In this process it is slablink's own calls of mmap that fail, and not the engine's. */
async function inThisProcess(): Promise<Place> {
  const epc = new InProcessExecutorProcessControl();
  const manager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, { slabSize: SLAB_SIZE });
  const session = new ExecutionSession({ epc, memoryManager: manager, sharedMemory: true });
  const { mmap } = libc;
  let seen = 0;
  let failing = 0;
  const value: typeof mmap = (address, size, protection, flags, fd, offset) =>
    // ENOMEM of the system itself: nobody has so much address space.
    mmap(address, ++seen === failing ? 2 ** 52 : size, protection, flags, fd, offset);
  Object.defineProperty(libc, "mmap", { value, configurable: true });
  const scarce = async (count: number): Promise<number> => {
    const before = seen;
    seen = 0;
    failing = count;
    return before;
  };
  return { epc, manager, session, scarce };
}

const places = [
  ["executor, shared", () => inExecutor(true)],
  ["executor, rpc", () => inExecutor(false)],
  ["in-process", inThisProcess],
] as const;

for (const [name, open] of places) {
  test(`${name}: memory runs out at each call in turn; the next job links and runs`, async (t) => {
    if (!has(t, "cc", "gcc")) return;
    const object = readingOpener.open(await compile(["gcc", "-O1", "-fPIE"], "part.c", SOURCE));
    const { epc, manager, session, scarce } = await open();
    const pid = (epc as { pid?: number }).pid ?? "self";
    let serial = 0;
    const link = async (): Promise<void> => {
      const dylib = session.createJITDylib(`job ${serial++}`);
      dylib.addObject(object);
      try {
        const address = (await session.lookup(dylib, ["f"])).get("f");
        await scarce(0);
        assert.equal(await call(epc, address), 42);
      } finally {
        await session.removeJITDylib(dylib);
      }
    };
    try {
      for (let i = 0; i < 3; i++) await link();
      const before = holdingOf(pid);
      let failures = 0;
      let count = 1;
      for (let isOver = false; !isOver; count++) {
        await scarce(count);
        let calls = 0;
        try {
          const dylib = session.createJITDylib(`job ${serial++}`);
          dylib.addObject(object);
          try {
            await session.lookup(dylib, ["f"]);
            calls = await scarce(0);
          } finally {
            await scarce(0);
            await session.removeJITDylib(dylib);
          }
          isOver = calls < count;
        } catch (error) {
          failures++;
          assert.match((error as Error).message, /memory|cannot open|refused|image/i, `call ${count}`);
          assert.doesNotMatch((error as Error).message, /\n/);
        }
        for (const slab of manager.slabs) assert.equal(slab.freeSize, SLAB_SIZE, `slab after call ${count}`);
        await link();
      }
      assert.ok(failures >= 3, `${failures} of ${count} calls made a job fail`);
      const after = holdingOf(pid);
      assert.equal(after.descriptors, before.descriptors);
      assert.ok(after.mappings - before.mappings <= 8, `${after.mappings - before.mappings} mappings more`);
    } finally {
      await session.endSession();
    }
    tableRow(
      "places",
      "memory runs out at any call of a job",
      name,
      "that job fails, the next one runs",
      "which memory, and `Cannot allocate memory`",
    );
  });
}
