import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { linkBySlablink } from "../../bench/scale/run.ts";
import { shapes } from "../../bench/scale/shapes.ts";
import { freshDirectory } from "../support/workspace.ts";

// Each shape checks what was linked: every symbol is where it belongs, or the error is the right one. The large sizes are the
// benchmark's; growth.test.ts counts what they cost.
describe("large inputs link rightly, in moderate sizes", () => {
  for (const shape of shapes.filter(({ small }) => small > 0)) {
    test(`${shape.name}: ${shape.description}`, () => {
      const directory = join(freshDirectory(), shape.name);
      mkdirSync(directory);
      const { link } = linkBySlablink(shape.make(directory, shape.small), directory);
      assert.ok(link > 0);
    });
  }

  test("every shape has a name of its own, and sizes that ascend", () => {
    assert.equal(new Set(shapes.map(({ name }) => name)).size, shapes.length);
    for (const { name, sizes } of shapes) {
      assert.deepEqual(
        sizes,
        [...sizes].sort((a, b) => a - b),
        name,
      );
    }
  });
});
