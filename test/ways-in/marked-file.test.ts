import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { reserveRemoteSlab } from "../../src/memory/remote-requests.ts";
import { whyNotShared, withMark } from "../../src/memory/shared-memory-probe.ts";
import { launch } from "../epc/executors.ts";
import { freshDirectory } from "../support/workspace.ts";

test("an executor takes a file for the controller's only by the mark in it", async () => {
  const epc = await launch();
  const memory = new SlabMemory(2 ** 16, undefined, null);
  const path = `/proc/${process.pid}/fd/${memory.fd}`;
  const reserve = (backing: string) => reserveRemoteSlab(epc, memory.size, undefined, backing);
  const range = await withMark(memory, path, reserve);
  assert.equal(range.end - range.start, memory.size);
  assert.deepEqual(memory.bytes.subarray(-16), new Uint8Array(16), "the mark is gone afterwards");

  // What another process may have by the same number.
  const other = join(freshDirectory(), "file");
  writeFileSync(other, new Uint8Array(2 ** 16));
  const mark = "0123456789abcdef0123456789abcdef";
  for (const wrong of [path, other, "/dev/zero", "/dev/null", freshDirectory()]) {
    await assert.rejects(reserve(`mark:${mark}:${wrong}`), new RegExp(`slab reserve: ${wrong} is another file here`));
  }
  await assert.rejects(reserve(`mark:${mark}:/nowhere`), /slab reserve: \/nowhere: No such file or directory/);
  await assert.rejects(reserve(`mark:0123:${path}`), /expected mark:, 32 digits, a colon and a path/);
  await assert.rejects(reserve("mark:"), /expected mark:, 32 digits, a colon and a path/);
  assert.equal(await whyNotShared(epc), undefined);
  await epc.disconnect();
  memory.dispose();
});
