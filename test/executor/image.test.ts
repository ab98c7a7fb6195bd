import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { B, D, OURS, RawController } from "./controller.ts";
import { compileImage, type Image, loadImage, SLAB, SLAB_SIZE, unloadImage, withFolder } from "./fixture.ts";
import { initializeMemory, openLibrary, RW, RX, reserveSlab, resolve, returnCode, symbol } from "./requests.ts";
import { sps } from "./sps.ts";

const START = SLAB + 0x1000000;

const SOURCE = `
static __thread int counter = 40;
unsigned long words[2] = {0x1122334455667, 7};
int image_function(void) { return ++counter; }
char image_space[1 << 16];
`;

const image: Image = await compileImage(SOURCE, START);

const memfds = (controller: RawController): number =>
  readdirSync(`/proc/${controller.process.pid}/fd`).filter((fd) => Number(fd) > 2).length;

async function start(): Promise<RawController> {
  const controller = await RawController.start();
  await reserveSlab(controller, SLAB, SLAB_SIZE);
  return controller;
}

const runVoid = async (controller: RawController, address: number): Promise<number> =>
  (await controller.call(`${B}run_as_void_function_wrapper`, sps().u64(address))).i32();

/** Ranges of the slab that are not mapped at all: space that somebody else could take. */
function holes(controller: RawController): string[] {
  const found: string[] = [];
  let at = SLAB;
  for (const line of readFileSync(`/proc/${controller.process.pid}/maps`, "utf8").split("\n")) {
    const [low, high] = line
      .split(" ")[0]
      .split("-")
      .map((text) => Number.parseInt(text, 16));
    if (!(high > at) || at >= SLAB + SLAB_SIZE) continue;
    if (low > at) found.push(`${at.toString(16)}-${low.toString(16)}`);
    at = high;
  }
  return found;
}

test("an image lands where it was linked, is known to the loader, and leaves again", async () => {
  const controller = await start();
  const before = memfds(controller);
  const { handle } = await loadImage(controller, image);
  const address = await symbol(controller, "image_function");
  assert.ok(address >= image.start && address < image.start + image.size);
  assert.equal(await runVoid(controller, address), 41, "thread-local data is set up by the loader");
  assert.equal(memfds(controller), before + 1);
  assert.deepEqual(holes(controller), []);
  await unloadImage(controller, handle);
  assert.equal(memfds(controller), before);
  assert.deepEqual(holes(controller), []);
  assert.deepEqual(await resolve(controller, 0, [{ name: "image_function", required: true }]), [undefined]);
  await assert.rejects(unloadImage(controller, handle), /no image has the handle/);
  await loadImage(controller, image);
  assert.equal(await runVoid(controller, await symbol(controller, "image_function")), 41);
  await controller.close();
});

test("an image may span slabs that adjoin each other, but no gap between them", async () => {
  const controller = await RawController.start();
  const half = image.start + 4096 * Math.floor(image.size / 8192);
  const first = await reserveSlab(controller, image.start, half - image.start);
  const second = await reserveSlab(controller, half + 4096, image.start + image.size - half - 4096);
  await assert.rejects(loadImage(controller, image), /no range of whole pages inside a slab/);
  await reserveSlab(controller, half, 4096);
  const { handle } = await loadImage(controller, image);
  assert.equal(await runVoid(controller, await symbol(controller, "image_function")), 41);
  // Giving up one of the slabs takes the image with it; the others' addresses stay theirs.
  for (const base of [first, half, second]) {
    (await controller.call(`${OURS}slab_release`, sps().u64(base))).success();
    await assert.rejects(unloadImage(controller, handle), /no image has the handle/);
  }
  await controller.close();
});

test("results are the words that the loader left in the image", async () => {
  const controller = await start();
  const { handle } = await loadImage(controller, image);
  const words = await symbol(controller, "words");
  await unloadImage(controller, handle);
  const again = await loadImage(controller, image, { results: words, resultCount: 2 });
  assert.deepEqual(again.results, [0x1122334455667, 7]);
  await controller.close();
});

test("Initialize maps over an image's zero-fill; what it does not mention stays the program's", async () => {
  const controller = await start();
  const { handle } = await loadImage(controller, image);
  const space = await symbol(controller, "image_space");
  const page = Math.ceil(space / 4096) * 4096;
  await initializeMemory(controller, [{ group: RX, address: page, size: 6, content: returnCode(12) }]);
  assert.equal(await runVoid(controller, page), 12);
  await controller.call(
    `${B}mem_write_uint8s_wrapper`,
    sps()
      .u64(1)
      .u64(page + 4096)
      .u8(3),
  );
  const byte = await controller.call(
    `${B}mem_read_uint8s_wrapper`,
    sps()
      .u64(1)
      .u64(page + 4096),
  );
  assert.deepEqual([byte.u64(), byte.u8()], [1, 3]);
  await unloadImage(controller, handle);
  assert.deepEqual(holes(controller), []);
  await initializeMemory(controller, [{ group: RX, address: page, size: 6, content: returnCode(13) }]);
  assert.equal(await runVoid(controller, page), 13);
  await controller.close();
});

test("an image's file may lie in the slab's backing file", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "slab");
    const fd = openSync(path, "w+");
    ftruncateSync(fd, SLAB_SIZE);
    writeSync(fd, image.bytes, 0, image.bytes.length, 0x3000);
    closeSync(fd);
    const controller = await RawController.start();
    await reserveSlab(controller, SLAB, SLAB_SIZE, path);
    const empty = { ...image, bytes: new Uint8Array() };
    const options = { source: SLAB + 0x3000, sourceSize: image.bytes.length };
    await loadImage(controller, empty, options);
    assert.equal(await runVoid(controller, await symbol(controller, "image_function")), 41);
    await assert.rejects(
      loadImage(controller, { ...empty, start: SLAB, size: 4096 }, { source: 4096, sourceSize: 5 }),
      /source of 5 bytes at 0x1000 is not inside the slab/,
    );
    (await controller.call(`${OURS}slab_release`, sps().u64(SLAB))).success();
    assert.deepEqual(await resolve(controller, 0, [{ name: "image_function", required: true }]), [undefined]);
    await controller.close();
  });
});

test("an image that the loader keeps stays as it is", async () => {
  const kept = await compileImage(SOURCE, START, ["-Wl,-z,nodelete"]);
  const controller = await start();
  const { handle } = await loadImage(controller, kept);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(unloadImage(controller, handle), /the loader keeps the image at 0x51000000/);
    assert.equal(await runVoid(controller, await symbol(controller, "image_function")), 41 + i);
  }
  await controller.close();
});

test("images that do not fit are refused and the slab is whole afterwards", async () => {
  const controller = await start();
  const wrongMachine = image.bytes.slice();
  wrongMachine[18] = 0xb7;
  // Alignments of 256 MiB move it; an address that does not go with the file offset stops the loader.
  const withLoads = (field: number, value: (old: bigint) => bigint): Uint8Array => {
    const bytes = image.bytes.slice();
    const view = new DataView(bytes.buffer);
    for (let i = 0, at = Number(view.getBigUint64(32, true)); i < view.getUint16(56, true); i++, at += 56) {
      if (view.getUint32(at, true) === 1)
        view.setBigUint64(at + field, value(view.getBigUint64(at + field, true)), true);
    }
    return bytes;
  };
  const cases: [Image, RegExp][] = [
    [
      { ...image, start: image.start - 4096, size: image.size + 4096 },
      /span \[0x51000000, 0x[0-9a-f]+\), expected \[0x50fff000/,
    ],
    [{ ...image, size: image.size + 4096 }, /the image's loadable segments span/],
    [{ ...image, size: image.size - 4096 }, /the image's loadable segments span/],
    [{ ...image, start: image.start + 1 }, /no range of whole pages inside a slab/],
    [{ ...image, start: SLAB + SLAB_SIZE - 4096, size: 8192 }, /no range of whole pages inside a slab/],
    [{ ...image, bytes: Uint8Array.of(1, 2, 3) }, /is no ELF file/],
    [{ ...image, bytes: image.bytes.slice(0, 70) }, /program header 0 of \d+ is outside the file/],
    [{ ...image, bytes: wrongMachine }, /machine 183/],
    [
      { ...image, bytes: withLoads(48, () => 0x10000000n) },
      /the loader placed the image at 0x[0-9a-f]+, expected 0x51000000/,
    ],
    [{ ...image, bytes: withLoads(8, (offset) => offset + 8n) }, /image load: \/proc\/self\/fd\/\d+: ELF load command/],
    [{ ...image, bytes: new Uint8Array() }, /no bytes, and the slab at 0x50000000 has no backing file/],
  ];
  for (const [bad, expected] of cases) {
    await assert.rejects(loadImage(controller, bad), expected, String(expected));
    assert.deepEqual(holes(controller), []);
  }
  await assert.rejects(
    loadImage(controller, image, { results: SLAB, resultCount: 1 }),
    /1 results at 0x50000000 are not inside/,
  );
  await assert.rejects(
    loadImage(controller, image, { results: image.start, resultCount: 2 ** 61 }),
    /results at 0x51000000 are not inside/,
  );
  await initializeMemory(controller, [{ group: RW, address: image.start + 4096, size: 8 }]);
  await assert.rejects(loadImage(controller, image), /overlaps \[0x51001000, 0x51002000\), which is in use/);
  await controller.close();
});

test("libraries are opened by path and mode, and their symbols asked by the thousand", async () => {
  const controller = await RawController.start();
  const all = await openLibrary(controller, "");
  assert.deepEqual(
    await resolve(controller, all, [
      { name: "no_such_symbol", required: true },
      { name: "no_such_symbol", required: false },
      { name: "", required: true },
      { name: "", required: false },
    ]),
    [undefined, 0, undefined, undefined],
  );
  const z = await openLibrary(controller, "libm.so.6");
  assert.equal(await openLibrary(controller, "libm.so.6"), z);
  const [cos] = await resolve(controller, z, [{ name: "cos", required: true }]);
  assert.ok(cos! > 0);
  const isolated = await openLibrary(controller, "libm.so.6", 0x100);
  assert.deepEqual(await resolve(controller, isolated, [{ name: "cos", required: true }]), [cos]);
  await assert.rejects(openLibrary(controller, "/nonexistent.so"), /\/nonexistent\.so: cannot open shared object file/);
  await assert.rejects(openLibrary(controller, "libm.so.6", 7), /mode 0x7, expected 0 or 0x100/);
  await assert.rejects(resolve(controller, 0x1234, [{ name: "cos", required: true }]), /0x1234 is no handle/);
  await assert.rejects(
    async () =>
      (await controller.call(`${D}resolve_wrapper`, sps().u64(0).u64(2).sequence("cos").u8(1).u64(99))).expected((r) =>
        r.u64(),
      ),
    /cannot be decoded/,
  );
  const names = Array.from({ length: 5000 }, (_, i) => ({ name: i % 2 ? "printf" : `missing_${i}`, required: false }));
  const started = performance.now();
  const found = await resolve(controller, 0, names);
  const elapsed = performance.now() - started;
  assert.equal(found.filter((address) => address === 0).length, 2500);
  assert.ok(elapsed < 2000, `${elapsed} ms`);
  await controller.close();
});

test("the C library's data is held in the executor, below 2 GiB", async () => {
  const controller = await RawController.start();
  const names =
    "stdin stdout stderr environ __environ optarg optind timezone tzname program_invocation_name in6addr_any"
      .split(" ")
      .map((name) => ({ name, required: true }));
  for (const [i, address] of (await resolve(controller, 0, names)).entries()) {
    assert.ok(address !== undefined && address < 2 ** 31, names[i].name);
  }
  // Nothing else of the executor's own answers to a name.
  const own = ["main", "finalize", "allocate", "image_load", "_end", "_start"].map((name) => ({
    name,
    required: true,
  }));
  assert.deepEqual(
    await resolve(controller, 0, own),
    own.map(() => undefined),
  );
  await controller.close();
});
