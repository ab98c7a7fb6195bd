import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";
import { runAsTold, runExample } from "./run-example.ts";

const main = "examples/image-filter/main.mjs";

test("the example of an image filter finds the edges that its README shows, and sends nothing", async (context) => {
  if (!has(context, "cc")) return;
  const [output] = await runAsTold("image-filter", /\d[\d.]* ms/g);
  assert.match(output!, /^sent .*: 0 bytes$/m);
});

test("the edges are written as a picture", async (context) => {
  if (!has(context, "cc")) return;
  const path = join(freshDirectory(), "edges.pgm");
  assert.equal((await runExample([main, path, "64", "48"])).status, 0);
  const picture = readFileSync(path);
  const header = "P5\n64 48\n255\n";
  assert.equal(picture.subarray(0, header.length).toString("latin1"), header);
  const pixels = picture.subarray(header.length);
  assert.equal(pixels.length, 64 * 48);
  const bright = pixels.filter((value) => value > 127).length;
  assert.ok(bright > 100 && bright < 1500, `${bright} bright pixels`);
  assert.ok(
    pixels.subarray(0, 64).every((value) => value < 20),
    "no edges at the top",
  );
});

test("pictures of a few pixels are filtered, too", async (context) => {
  if (!has(context, "cc")) return;
  for (const [width, height] of [
    [1, 1],
    [3, 2],
    [2, 9],
  ]) {
    const { status, stderr } = await runExample([main, "/dev/null", `${width}`, `${height}`]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" }, `${width} × ${height}`);
  }
});
