import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { heldResources, SLAB_SIZE, targetKinds } from "../memory/harness.ts";

/* Images are shared objects linked at their final addresses: here by the system's linker, with a first p_vaddr of START. */
const START = 0x5800_0000;
const directory = mkdtempSync(join(tmpdir(), "slablink-image-"));
after(() => rmSync(directory, { recursive: true }));

function build(name: string, start: number): { bytes: Uint8Array; size: number; symbol(name: string): number } {
  const source = join(directory, `${name}.c`);
  const path = join(directory, `${name}.so`);
  writeFileSync(
    source,
    `int ${name}(void) { return 77; }
     long ${name}_words[2] = {(long)&${name}, -5};
     char ${name}_zeros[100000];`,
  );
  const link = `-Wl,-Ttext-segment=0x${start.toString(16)},-z,max-page-size=4096,-z,norelro`;
  execFileSync(process.env.CC ?? "cc", ["-shared", "-nostdlib", "-fPIC", link, "-o", path, source]);
  const bytes = readFileSync(path);
  const symbols = execFileSync("nm", [path], { encoding: "utf8" });
  const symbol = (wanted: string): number =>
    Number.parseInt(new RegExp(`^([0-9a-f]+) \\w ${wanted}$`, "m").exec(symbols)?.[1] ?? "", 16);
  return { bytes, size: imageEnd(bytes) - start, symbol };
}

function imageEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let end = 0;
  for (let i = 0; i < view.getUint16(0x38, true); i++) {
    const header = 0x40 + 56 * i;
    if (view.getUint32(header, true) !== 1) continue;
    end = Math.max(end, Number(view.getBigUint64(header + 16, true) + view.getBigUint64(header + 40, true)));
  }
  return Math.ceil(end / 4096) * 4096;
}

for (const [index, kind] of targetKinds.slice(0, 4).entries()) {
  test(`${kind.name}: an image is loaded where it was linked, its symbols found, and it goes again`, async () => {
    const before = heldResources();
    const name = `image_${index}`;
    const image = build(name, START);
    const { epc, mapper, call, close } = await kind.open();
    try {
      const range = await mapper.reserve(SLAB_SIZE, START);
      const results = image.symbol(`${name}_words`);
      const load = { start: START, size: image.size, bytes: image.bytes, results, resultCount: 2 };
      const loaded = await epc.loadImage(load);
      assert.deepEqual([...loaded.results], [image.symbol(name), -5]);
      assert.deepEqual(
        [...(await epc.resolve(0, [name, `${name}_zeros`]))],
        [image.symbol(name), image.symbol(`${name}_zeros`)],
      );
      assert.equal(await call(image.symbol(name)), 77);
      await epc.unloadImage(loaded.handle);
      assert.deepEqual([...(await epc.resolve(0, [name]))], [0]);
      await assert.rejects(epc.unloadImage(loaded.handle));

      const again = await epc.loadImage(load);
      assert.deepEqual([...again.results], [image.symbol(name), -5]);
      await epc.unloadImage(again.handle);
      await mapper.release([range.start]);
    } finally {
      await close();
    }
    assert.deepEqual(heldResources(), before);
  });

  test(`${kind.name}: images that do not fit their place, or are none, leave the slab as it was`, async () => {
    const image = build(`misfit_${index}`, START);
    const { epc, mapper, close } = await kind.open();
    try {
      await mapper.reserve(SLAB_SIZE, START);
      const load = { start: START, size: image.size, bytes: image.bytes, results: START, resultCount: 0 };
      await assert.rejects(epc.loadImage({ ...load, size: image.size + 4096 }), /span \[0x58000000, .*expected/);
      await assert.rejects(epc.loadImage({ ...load, start: START + 4096 }), /span \[0x58000000, .*expected/);
      await assert.rejects(epc.loadImage({ ...load, bytes: new Uint8Array(1000) }));
      const cut = image.bytes.subarray(0, 0x1200);
      await assert.rejects(epc.loadImage({ ...load, bytes: cut }));
      const loaded = await epc.loadImage(load);
      await epc.unloadImage(loaded.handle);
      await mapper.release([START]);
    } finally {
      await close();
    }
  });
}

for (const kind of targetKinds.slice(0, 3)) {
  test(`${kind.name}: an image is taken from the slab's own memory`, async () => {
    const name = `from_slab_${targetKinds.indexOf(kind)}`;
    const image = build(name, START);
    const { epc, mapper, call, close } = await kind.open();
    try {
      await mapper.reserve(SLAB_SIZE, START);
      const source = START + 2 ** 20;
      const memory = mapper.prepare(source, 2 ** 20);
      memory.bytes.set(image.bytes, source - memory.base);
      const sourceSize = image.bytes.length;
      // So much memory is prepared apart.
      memory.publish?.(source, sourceSize);
      const load = { start: START, size: image.size, source, sourceSize, results: START, resultCount: 0 };
      const loaded = await epc.loadImage(load);
      assert.equal(await call(image.symbol(name)), 77);
      await epc.unloadImage(loaded.handle);
      await mapper.release([START]);
    } finally {
      await close();
    }
  });
}
