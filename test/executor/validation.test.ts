import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { B, D, M, OURS, RawController } from "./controller.ts";
import { compileImage, type Image, loadCode, loadImage, SLAB, SLAB_SIZE, withFolder } from "./fixture.ts";
import { giveUp, initializeMemory, initializeShared, RW, reserveMemory, reserveSlab, returnCode } from "./requests.ts";
import { sps } from "./sps.ts";

const controller = await RawController.start(["filedescs=3,3"]);
const image = await compileImage(
  `#include <stdint.h>
   #include <unistd.h>
   volatile int fx_go;
   int fx_wait(void) { while (!fx_go) usleep(1000); return 3; }
   int fx_seven(void) { return 7; }`,
  SLAB,
);
const addressOf = await loadCode(controller, image);
const seven = await addressOf("fx_seven");

const runVoid = async (address: number): Promise<number> =>
  (await controller.call(`${B}run_as_void_function_wrapper`, sps().u64(address))).i32();

/** Words on stderr since the last call. */
let read = 0;
async function newWords(): Promise<string> {
  await runVoid(seven);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const words = controller.stderr.slice(read);
  read = controller.stderr.length;
  return words;
}

const resident = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${controller.process.pid}/status`, "utf8"))![1]) / 1024;

test("a request is no allocation action, and no function to run", async () => {
  const base = await reserveMemory(controller, 4096);
  for (const name of [`${M}initialize_wrapper`, `${D}open_wrapper`, `${OURS}program_run`, `${M}Instance`]) {
    const fn = controller.address(name);
    for (const action of [{ finalize: { fn, args: new Uint8Array(8) } }]) {
      const initialized = initializeMemory(controller, [{ group: RW, address: base, size: 8 }], [action]);
      await assert.rejects(initialized, new RegExp(`${name} is no allocation action`));
    }
    for (const way of ["void_function", "int_function", "main"]) {
      const args = sps().u64(fn).u64(0);
      assert.equal((await controller.call(`${B}run_as_${way}_wrapper`, args)).rest, 0, `${name} as ${way}`);
    }
    const program = sps().u64(fn).u64(0).u64(0).u64(0).bool(false).u64(0).u64(0);
    const ran = async (): Promise<number> =>
      (await controller.call(`${OURS}program_run`, program)).expected((r) => r.u64());
    await assert.rejects(ran(), /main at 0x[0-9a-f]+: no code there/);
  }
  assert.equal((await newWords()).match(/no code at 0x/g)?.length, 12);
  const dispatch = controller.address("__llvm_orc_SimpleRemoteEPC_dispatch_fn");
  assert.equal((await controller.call(dispatch)).rest, 0);
  // The kernel lists the page of vsyscall as executable; it is nobody's to call.
  const vsyscall = sps().u32(0xff60_0100).u32(0xffff_ffff);
  assert.equal((await controller.call(`${B}run_as_void_function_wrapper`, vsyscall)).rest, 0);
  await giveUp(controller, `${M}release_wrapper`, [base]);
});

test("the executor's own text and data are not written", async () => {
  for (const own of [controller.address(`${M}Instance`), controller.address(`${M}reserve_wrapper`)]) {
    for (const width of [8, 16, 32, 64]) {
      const args = sps()
        .u64(1)
        .u64(own)
        .zeros(width / 8);
      assert.equal((await controller.call(`${B}mem_write_uint${width}s_wrapper`, args)).rest, 0);
    }
    await controller.call(
      `${B}mem_write_buffers_wrapper`,
      sps()
        .u64(1)
        .u64(own - 4096)
        .sequence(new Uint8Array(8192)),
    );
  }
  assert.equal((await newWords()).match(/cannot be written/g)?.length, 10);
});

test("frames are registered only if each record has its CIE; a first word that changes confuses nobody", async () => {
  const base = await reserveMemory(controller, 8192);
  const [register, deregister] = ["register", "deregister"].map((verb) =>
    controller.address(`llvm_orc_${verb}EHFrameAllocAction`),
  );
  const finalize = async (words: number[]): Promise<number> => {
    const content = sps();
    for (const word of words) content.u32(word);
    const args = sps()
      .u64(base)
      .u64(base + 4 * words.length).bytes;
    const action = { finalize: { fn: register, args }, deallocate: { fn: deregister, args } };
    const segment = { group: RW, address: base, size: 4096, content: content.bytes.slice() };
    return initializeMemory(controller, [segment], [action]);
  };
  await assert.rejects(finalize([3, 0, 0]), /frame record of 3 bytes at 0x[0-9a-f]+, but the section has 8 left/);
  await assert.rejects(finalize([0xffffffff, 8, 0, 0]), /frame record of 4294967295 bytes/);
  await assert.rejects(
    finalize([8, 0, 0, 8, 99, 0, 0]),
    /frame record at 0x[0-9a-f]+: no CIE 0x63 bytes before its id/,
  );
  await assert.rejects(finalize([8, 5, 0, 0]), /no CIE 0x5 bytes before its id/);
  await assert.rejects(finalize([8, 0, 0, 8, 16]), /frame record of 8 bytes at 0x[0-9a-f]+, but the section has 4/);
  await assert.rejects(finalize([8, 0, 0]), /frames .* do not end in a zero word/);
  for (const [words, changed] of [
    [[0, 0, 0], 5],
    [[8, 0, 0, 8, 16, 0, 0], 0],
  ] as const) {
    const key = await finalize([...words]);
    await controller.call(`${B}mem_write_uint32s_wrapper`, sps().u64(1).u64(base).u32(changed));
    await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  }
  await giveUp(controller, `${M}release_wrapper`, [base]);
});

test("a slab's file is a regular one, opened for reading only, and opening it takes no time", async () => {
  await withFolder(async (folder) => {
    const fifo = join(folder, "fifo");
    assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
    for (const path of [fifo, folder, "/dev/zero"]) {
      await assert.rejects(reserveSlab(controller, 0, 4096, path), new RegExp(`${path} is no regular file`));
    }
    const file = join(folder, "file");
    writeFileSync(file, "-".repeat(8192));
    const base = await reserveSlab(controller, 0, 8192, file);
    await initializeShared(controller, base, [{ group: RW, address: base, size: 4096 }]);
    await initializeShared(controller, base, [{ group: 1, address: base + 4096, size: 4096 }]);
    await controller.call(
      `${B}mem_write_uint8s_wrapper`,
      sps()
        .u64(2)
        .u64(base)
        .u8(1)
        .u64(base + 4096)
        .u8(1),
    );
    assert.equal(readFileSync(file, "utf8"), "-".repeat(8192));
    assert.match(await newWords(), /\+1\) cannot be written/);
    (await controller.call(`${OURS}slab_release`, sps().u64(base))).success();
  });
});

test("images whose segments the loader would put over each other, or elsewhere, are refused", async () => {
  const other = await compileImage("int fx_other(void) { return 1; }", SLAB + 0x100000);
  /** Changes a field of the loadable segment of that number. */
  const changed = (number: number, field: number, value: (old: bigint) => bigint): Image => {
    const bytes = other.bytes.slice();
    const view = new DataView(bytes.buffer);
    for (let at = Number(view.getBigUint64(32, true)), load = 0; ; at += 56) {
      if (view.getUint32(at, true) !== 1 || load++ < number) continue;
      view.setBigUint64(at + field, value(view.getBigUint64(at + field, true)), true);
      return { ...other, bytes };
    }
  };
  const [ADDRESS, MEMORY_SIZE] = [16, 40];
  await assert.rejects(
    loadImage(
      controller,
      changed(1, ADDRESS, (old) => old - 0x1000n),
    ),
    /starts at 0x[0-9a-f]+, the one before ends at/,
  );
  await assert.rejects(
    loadImage(
      controller,
      changed(0, MEMORY_SIZE, () => 1n),
    ),
    /program header \d: \d+ bytes of contents in 1 bytes/,
  );
  await assert.rejects(
    loadImage(
      controller,
      changed(0, MEMORY_SIZE, () => 2n ** 64n - 1n),
    ),
    /program header \d wraps around/,
  );
  const { handle } = await loadImage(controller, other);
  (await controller.call(`${OURS}image_unload`, sps().u64(handle))).success();
});

test("a short request does not fill the memory: zeros are not written, and answers have an end", async () => {
  const GIB = 2 ** 30;
  const before = resident();
  const base = await reserveMemory(controller, 64 * GIB);
  await initializeMemory(controller, [{ group: RW, address: base + 100, size: 32 * GIB, content: returnCode(1) }]);
  const size = 2 ** 28 - 16;
  const readBuffer = (bytes: number) =>
    controller.call(
      `${B}mem_read_buffers_wrapper`,
      sps()
        .u64(1)
        .u64(base)
        .u64(base + bytes),
    );
  assert.equal((await readBuffer(size + 1)).rest, 0);
  assert.match(await newWords(), /mem_read_buffers: \[0x[0-9a-f]+, \+268435441\) cannot be read/);
  assert.equal((await readBuffer(1024)).rest, 1040);
  const start = SLAB + SLAB_SIZE;
  await reserveSlab(controller, start, GIB);
  const args = sps()
    .u64(start)
    .u64(GIB)
    .sequence("some file")
    .u64(0)
    .u64(0)
    .u64(start)
    .u64(GIB / 8);
  await assert.rejects(
    async () => (await controller.call(`${OURS}image_load`, args)).expected((r) => r.u64()),
    /134217728 results, expected at most 33554424/,
  );
  await giveUp(controller, `${M}release_wrapper`, [base]);
  assert.ok(resident() - before < 100, `${before} MiB became ${resident()} MiB`);
});

test("calls beyond the threads wait for their turn, those beyond what can wait are answered empty; none is lost", {
  timeout: 300_000,
}, async () => {
  const [wait, go] = [await addressOf("fx_wait"), await addressOf("fx_go")];
  const COUNT = 100_050;
  const answers: Promise<number>[] = [];
  for (let i = 0; i < COUNT; i++) {
    answers.push(
      controller.call(`${B}run_as_void_function_wrapper`, sps().u64(wait)).then((r) => (r.rest === 4 ? r.i32() : -1)),
    );
  }
  // Resolving would wait behind them; what the reader does itself does not.
  await controller.call(`${B}mem_write_uint32s_wrapper`, sps().u64(1).u64(go).u32(1));
  const all = await Promise.all(answers);
  const refused = all.filter((answer) => answer === -1).length;
  assert.equal(all.filter((answer) => answer === 3).length, COUNT - refused);
  assert.ok(refused <= 50, `${refused} were refused`);
  assert.equal((await newWords()).match(/too many calls wait already/g)?.length ?? 0, refused);
});

test("after all that the executor is as good as before, and ends in order", async () => {
  assert.equal(await runVoid(seven), 7);
  assert.deepEqual(await controller.close(), { status: 0, signal: null });
});
