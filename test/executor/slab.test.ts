import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { B, OURS, RawController, S } from "./controller.ts";
import { SLAB, withFolder } from "./fixture.ts";
import { giveUp, initializeShared, RW, RX, reserveSlab, returnCode } from "./requests.ts";
import { sps } from "./sps.ts";

/** RemoteAllocGroup bit: contents are those of the slab's template. */
const TEMPLATE = 64;
const SIZE = 64 * 4096;

/** A file of SIZE bytes with code at its first page and data at its second. */
async function withBacking<T>(use: (path: string, fd: number) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const path = join(folder, "slab");
    const fd = openSync(path, "w+");
    try {
      ftruncateSync(fd, SIZE);
      writeSync(fd, returnCode(42), 0, 6, 0);
      writeSync(fd, "data", 4096);
      return await use(path, fd);
    } finally {
      closeSync(fd);
    }
  });
}

const release = async (controller: RawController, base: number): Promise<void> =>
  (await controller.call(`${OURS}slab_release`, sps().u64(base))).success();

const runVoid = async (controller: RawController, address: number): Promise<number> =>
  (await controller.call(`${B}run_as_void_function_wrapper`, sps().u64(address))).i32();

function mapsOf(controller: RawController): string[] {
  return readFileSync(`/proc/${controller.process.pid}/maps`, "utf8").split("\n");
}

const mappingAt = (controller: RawController, address: number): string | undefined =>
  mapsOf(controller).find((line) => line.startsWith(`${address.toString(16).padStart(8, "0")}-`));

test("segments of a file-backed slab are mapped from the file with their final protections", async () => {
  await withBacking(async (path, fd) => {
    const controller = await RawController.start();
    const base = await reserveSlab(controller, SLAB, SIZE, path);
    assert.equal(base, SLAB);
    const key = await initializeShared(controller, base, [
      { group: RX, address: base, size: 6 },
      { group: RW, address: base + 4096, size: 4 },
      { group: 1, address: base + 8192, size: 1 },
    ]);
    assert.equal(key, base);
    assert.match(mappingAt(controller, base)!, /r-xs 00000000/);
    assert.match(mappingAt(controller, base + 4096)!, /rw-p 00001000/);
    assert.match(mappingAt(controller, base + 8192)!, /r--s 00002000/);
    assert.equal(await runVoid(controller, base), 42);
    // What the file's other user writes is there at once; what the program writes stays its own.
    writeSync(fd, returnCode(43), 0, 6, 0);
    assert.equal(await runVoid(controller, base), 43);
    await controller.call(
      `${B}mem_write_uint8s_wrapper`,
      sps()
        .u64(1)
        .u64(base + 4096)
        .u8(88),
    );
    const byte = new Uint8Array(1);
    readSync(fd, byte, 0, 1, 4096);
    assert.equal(byte[0], "d".charCodeAt(0));
    await giveUp(controller, `${S}Deinitialize`, [key]);
    assert.equal(mapsOf(controller).filter((line) => line.includes(path)).length, 0);
    await assert.rejects(giveUp(controller, `${S}Deinitialize`, [key]), /nothing is finalized under the key/);
    await initializeShared(controller, base, [{ group: RX, address: base, size: 6 }]);
    await release(controller, base);
    assert.equal(mappingAt(controller, base), undefined);
    await assert.rejects(release(controller, base), /no slab reservation at/);
    await controller.close();
  });
});

test("a request that fails midway leaves nothing mapped", async () => {
  await withBacking(async (path, fd) => {
    const controller = await RawController.start();
    const base = await reserveSlab(controller, SLAB, SIZE, path);
    ftruncateSync(fd, 8 * 4096);
    const segments = [
      { group: RX, address: base, size: 6 },
      { group: RW, address: base + 8 * 4096, size: 6 },
    ];
    await assert.rejects(
      initializeShared(controller, base, segments),
      /segment \[0x50008000, 0x50009000\) rw- cannot be mapped: the slab's file ends before it/,
    );
    assert.equal(mapsOf(controller).filter((line) => line.includes(path)).length, 0);
    await initializeShared(controller, base, [segments[0]]);
    assert.equal(await runVoid(controller, base), 42);
    await assert.rejects(
      initializeShared(controller, base + 4096, [segments[0]]),
      /no shared memory reservation or slab at 0x50001000/,
    );
    await controller.close();
  });
});

test("segments can be mapped from a file that several slabs have in common, and what one process writes there stays its own", async () => {
  await withBacking(async (path) => {
    await withFolder(async (folder) => {
      const template = join(folder, "template");
      const fd = openSync(template, "w+");
      ftruncateSync(fd, 2 * 4096);
      writeSync(fd, returnCode(7), 0, 6, 4096);
      const nameTemplate = async (controller: RawController, base: number, start: number, name: string) =>
        (await controller.call(`${OURS}slab_template`, sps().u64(base).u64(start).sequence(name))).success();
      const controller = await RawController.start();
      const base = await reserveSlab(controller, SLAB, SIZE, path);
      const code = { group: RX | TEMPLATE, address: base + 5 * 4096, size: 6 };
      await assert.rejects(initializeShared(controller, base, [code]), /bit 0x40 is for slabs that have a template/);
      await nameTemplate(controller, base, base + 4 * 4096, template);
      await initializeShared(controller, base, [code, { group: RW, address: base + 4096, size: 4 }]);
      assert.match(mappingAt(controller, code.address)!, /r-xp 00001000 .*template/);
      assert.match(mappingAt(controller, base + 4096)!, /rw-p 00001000 .*slab/);
      assert.equal(await runVoid(controller, code.address), 7);
      for (const [address, message] of [
        [base + 6 * 4096, /r-x cannot be mapped: the slab's template ends before it/],
        [base + 3 * 4096, /r-x cannot be mapped: the slab's template ends before it/],
      ] as const) {
        await assert.rejects(initializeShared(controller, base, [{ ...code, address }]), message);
      }
      await assert.rejects(
        initializeShared(controller, base, [{ ...code, address: base + 4 * 4096, group: RW | TEMPLATE }]),
        /bit 0x40 is for memory that is not writable/,
      );
      await assert.rejects(nameTemplate(controller, base + 4096, base, template), /there is no slab at 0x50001000/);
      await assert.rejects(nameTemplate(controller, base, base + 1, template), /expected a path and whole pages/);
      await assert.rejects(nameTemplate(controller, base, base, "/nonexistent"), /\/nonexistent: No such file/);
      await assert.rejects(nameTemplate(controller, base, base, folder), /is no regular file/);
      await release(controller, base);
      assert.equal(mapsOf(controller).filter((line) => line.includes(template)).length, 0);
      const descriptors = readdirSync(`/proc/${controller.process.pid}/fd`).map((name) => {
        return readlinkSync(`/proc/${controller.process.pid}/fd/${name}`);
      });
      assert.deepEqual(
        descriptors.filter((target) => target === template),
        [],
      );
      closeSync(fd);
      await controller.close();
    });
  });
});

test("an announced descriptor can back slabs and leaves the program's numbers free; others are not touched", async () => {
  await withBacking(async (_path, fd) => {
    const words = ["filedescs=3,3", `parent=${process.pid}`, "slab=4"];
    const controller = RawController.spawn(words, undefined, [fd, fd]);
    await controller.setup;
    const base = await reserveSlab(controller, 0, SIZE, "fd:4");
    const again = await reserveSlab(controller, 0, SIZE, "fd:4");
    await release(controller, again);
    await initializeShared(controller, base, [{ group: RX, address: base, size: 6 }]);
    assert.equal(await runVoid(controller, base), 42);
    assert.ok(!existsSync(`/proc/${controller.process.pid}/fd/4`));
    for (const number of [0, 1, 5, 333, 500]) {
      await assert.rejects(
        reserveSlab(controller, 0, SIZE, `fd:${number}`),
        new RegExp(`descriptor ${number} was not announced by slab=${number}`),
      );
    }
    assert.ok(existsSync(`/proc/${controller.process.pid}/fd/5`));
    await controller.close();
  });
});

test("what cannot be reserved is said with its reason", async () => {
  const controller = await RawController.start();
  const own = controller.address(`${OURS}slab_reserve`);
  const page = own - (own % 4096);
  await assert.rejects(reserveSlab(controller, page, 4096), /in the way is \[0x.*slablink-executor/);
  await assert.rejects(
    reserveSlab(controller, 0, 2 ** 50),
    /1125899906842624 bytes of address space cannot be reserved/,
  );
  await assert.rejects(reserveSlab(controller, 5, 4096), /4096 bytes at 0x5, expected whole pages of 4096 bytes/);
  await assert.rejects(reserveSlab(controller, 0, 0), /0 bytes at 0x0, expected whole pages/);
  await assert.rejects(
    reserveSlab(controller, 0, 4096, "/nonexistent/slab"),
    /\/nonexistent\/slab: No such file or directory/,
  );
  await assert.rejects(reserveSlab(controller, 0, 4096, "fd:333"), /descriptor 333 was not announced by slab=333/);
  await assert.rejects(reserveSlab(controller, 0, 4096, "fd:x"), /backing fd:x, expected fd: and a number/);
  await assert.rejects(reserveSlab(controller, 0, 4096, "a\0b"), /is no path/);
  const base = await reserveSlab(controller, SLAB, 4096);
  await assert.rejects(reserveSlab(controller, SLAB, 4096), /in the way is/);
  await release(controller, base);
  await controller.close();
});

test("LLVM's shared mapper reserves named memory, which a controller would write and unlink", async () => {
  const controller = await RawController.start(["filedescs=3,3"]);
  const [base, name] = (await controller.call(`${S}Reserve`, sps().u64(0).u64(8192))).expected(
    (r) => [r.u64(), r.string()] as const,
  );
  assert.match(name, new RegExp(`^/jitlink_${controller.process.pid}_\\d+$`));
  const fd = openSync(`/dev/shm${name}`, "r+");
  writeSync(fd, returnCode(5), 0, 6, 4096);
  closeSync(fd);
  const key = await initializeShared(controller, base, [{ group: RX, address: base + 4096, size: 6 }]);
  assert.equal(key, base + 4096);
  assert.equal(await runVoid(controller, key), 5);
  await assert.rejects(
    initializeShared(controller, base, [{ group: 7, address: base, size: 6 }]),
    /not writable and executable at once/,
  );
  await giveUp(controller, `${S}Deinitialize`, [key]);
  await giveUp(controller, `${S}Deinitialize`, [base]); // abandoned before it was initialized: no error, as LLVM has it
  assert.equal(await runVoid(controller, key), 5);
  const [, second] = (await controller.call(`${S}Reserve`, sps().u64(0).u64(4096))).expected(
    (r) => [r.u64(), r.string()] as const,
  );
  assert.notEqual(second, name);
  await giveUp(controller, `${S}Release`, [base]);
  await controller.close();
  for (const left of [second, name]) assert.ok(!existsSync(`/dev/shm${left}`), `${left} is unlinked`);
});
