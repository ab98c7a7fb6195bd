import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { FileArena } from "../../src/host/arena.ts";
import { type Kernel, kernel } from "../../src/kernel/kernel.ts";
import { endThreads, type KernelThreads, startThreads } from "../../src/kernel/threads.ts";

// What a thread is asked for comes back as a message, some time after it has done it, and has got its next task.

const COUNT = 30;
const fast: Kernel = kernel()!;
let arena: FileArena;
let pool: SymbolStringPool;
let threads: KernelThreads;

const tick = (milliseconds = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function start(count: number): Promise<void> {
  threads = startThreads(count)!;
  while (threads.idle < count - 1) await tick();
}

/** Waits without giving messages a chance to arrive. */
function spinUntilIdle(): void {
  while (threads.idle === 0);
}

/** Has a thread intern the name `i`, whose identifier is then the number of different names before it. */
function intern(i: number): Promise<number> {
  const { start: position } = arena.place(Buffer.from(`name${i}\0`), "name");
  return threads.call(fast.intern, [pool.columns.record!, position])!;
}

/** A call that a thread does not survive: it divides by zero, the size of a filter in a table of zeros. */
function failing(): Promise<number> {
  const { start: table } = arena.place(new Uint8Array(64), "table");
  return threads.call(fast.filterByGnuHash, [table, 1, table, 0, table])!;
}

beforeEach(() => {
  arena = new FileArena();
  pool = new SymbolStringPool();
});

afterEach(async () => {
  await endThreads();
  arena.dispose();
});

test("each call gets its own answer, though the thread is some tasks ahead of the messages", async () => {
  await start(2);
  const warnings: Error[] = [];
  const note = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", note);
  const answers: Promise<number>[] = [];
  for (let i = 0; i < COUNT; i++) {
    spinUntilIdle();
    answers.push(intern(i));
  }
  assert.deepEqual(
    await Promise.all(answers),
    Array.from({ length: COUNT }, (_, i) => i),
  );
  await tick();
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});

test("a thread that fails fails what it was asked for, gets nothing more, and leaves the other one and the end alone", async () => {
  await start(3);
  spinUntilIdle();
  await assert.rejects(failing(), /divide by zero|remainder by zero/);
  assert.equal(threads.idle, 1);
  assert.equal(await intern(0), 0);
  spinUntilIdle();
  assert.equal(await intern(1), 1);
  // So that the failed one has ended before it is told to.
  await tick(200);
});

test("a thread that fails does not keep the one waiting that waits without messages", async () => {
  await start(2);
  spinUntilIdle();
  const { start: table } = arena.place(new Uint8Array(64), "table");
  const [call] = threads.callAll(fast.filterByGnuHash, () => [table, 1, table, 0, table]);
  assert.throws(() => call!.wait(), /a thread failed in the middle of a link/);
  assert.equal(threads.idle, 0);
  // So that it has ended before it is told to.
  await tick(200);
});
