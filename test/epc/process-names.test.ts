import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProcessNames } from "../../src/epc/process-names.ts";

/** A process that has some names, and notes what it is asked. */
function processWith(addresses: Record<string, number>) {
  const asked: string[][] = [];
  const names = new ProcessNames();
  return {
    names,
    asked,
    addresses,
    resolve: async (...wanted: string[]): Promise<number[]> => {
      const found = await names.resolve(wanted, async (missing) => {
        asked.push([...missing]);
        return Float64Array.from(missing, (name) => addresses[name] ?? 0);
      });
      return [...found];
    },
    load: (handle: number, bindsFirst = false) =>
      names.during(
        { bindsFirst },
        async () => handle,
        (loaded) => loaded,
      ),
  };
}

describe("names of an executor's process", () => {
  test("are asked for once, and only those that are not known yet", async () => {
    const { resolve, asked } = processWith({ puts: 1, abs: 2 });
    assert.deepEqual(await resolve("puts", "abs"), [1, 2]);
    assert.deepEqual(await resolve("abs", "puts"), [2, 1]);
    assert.deepEqual(await resolve("nowhere", "puts"), [0, 1]);
    assert.deepEqual(asked, [["puts", "abs"], ["nowhere"]]);
  });

  test("that nothing has are asked for again", async () => {
    const { resolve, asked, addresses } = processWith({});
    assert.deepEqual(await resolve("later"), [0]);
    addresses.later = 7;
    assert.deepEqual(await resolve("later"), [7]);
    assert.equal(asked.length, 2);
  });

  test("found while an image is loaded may be the image's, and are not kept", async () => {
    const process = processWith({ own: 1, image: 2 });
    await process.resolve("own");
    await process.load(9);
    assert.deepEqual(await process.resolve("own", "image"), [1, 2]);
    process.names.unload(9);
    process.addresses.image = 0;
    assert.deepEqual(await process.resolve("own", "image"), [1, 0]);
    assert.deepEqual(process.asked, [["own"], ["image"], ["image"]]);
  });

  test("found while an image begins to be loaded are not kept either", async () => {
    const process = processWith({ image: 2 });
    let answer = (_: Float64Array): void => {};
    const found = process.names.resolve(["image"], () => new Promise((resolve) => (answer = resolve)));
    const loaded = process.load(9);
    answer(Float64Array.of(2));
    assert.deepEqual([...(await found)], [2]);
    await loaded;
    process.names.unload(9);
    await process.resolve("image");
    assert.deepEqual(process.asked, [["image"]]);
  });

  test("are asked for again while an image comes before the libraries", async () => {
    const process = processWith({ malloc: 1 });
    await process.resolve("malloc");
    await process.load(9, true);
    process.addresses.malloc = 5;
    assert.deepEqual(await process.resolve("malloc"), [5]);
    process.names.unload(9);
    assert.deepEqual(await process.resolve("malloc"), [1]);
  });

  test("an image that could not be loaded leaves nothing", async () => {
    const process = processWith({ puts: 1 });
    const failing = process.names.during(
      { bindsFirst: true },
      () => Promise.reject(new Error("no")),
      () => 0,
    );
    await assert.rejects(failing, /no/);
    await process.resolve("puts");
    await process.resolve("puts");
    assert.equal(process.asked.length, 1);
  });

  test("a program may have loaded anything", async () => {
    const process = processWith({ puts: 1, other: 2 });
    await process.resolve("puts");
    process.names.noteProgram();
    await process.resolve("puts", "other");
    await process.resolve("puts", "other");
    assert.deepEqual(process.asked, [["puts"], ["other"], ["other"]]);
  });
});
