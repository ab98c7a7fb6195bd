import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { instantiate } from "slablink";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";
import { runAsTold, runExample } from "./run-example.ts";

const main = "examples/image-filter/main.mjs";
const MARGIN = 200;

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

test("the filter keeps to its pictures, however small: one colour has no edges", async (context) => {
  if (!has(context, "cc")) return;
  const filter = await instantiate(join(packageRoot, "examples/image-filter/edges.c"), {
    flags: ["-O2"],
    exports: { find_edges: "void find_edges(const float *, float *, float *, int, int, float)" },
  });
  for (const [width, height] of [
    [1, 1],
    [3, 2],
    [2, 9],
    [40, 3],
  ] as const) {
    const size = width * height;
    // What is read outside of a picture makes its edges NaN; what is written there is seen.
    const [picture, edges, scratch] = [0.75, 0, 0].map((value) =>
      new Float32Array(3 * MARGIN).fill(Number.NaN).fill(value, MARGIN, MARGIN + size),
    );
    const [from, to, between] = [picture!, edges!, scratch!].map((each) => each.subarray(MARGIN, MARGIN + size));
    filter.exports.find_edges(from!, to!, between!, width, height, 2);
    assert.ok(
      to!.every((value) => value < 1e-5),
      `${width} × ${height}: ${to}`,
    );
    for (const each of [picture!, edges!, scratch!]) {
      const outside = [...each.subarray(0, MARGIN), ...each.subarray(MARGIN + size)];
      assert.ok(outside.every(Number.isNaN), `${width} × ${height}: written outside`);
    }
  }
  await filter.dispose();
});
