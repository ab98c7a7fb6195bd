import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ColumnBlock, Columns } from "../../src/kernel/columns.ts";

interface Taken {
  readonly block: ColumnBlock;
  readonly bytes: Uint8Array;
  /** What was written into all of it. */
  readonly mark: number;
}

test("blocks of any size are zero at first, keep to themselves, and are zero again when their memory comes back", () => {
  const step = fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40_000 })),
    /** The block that is released afterwards, if there is one of that number. */
    released: fc.nat(12),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let columns = new Columns();
      let taken: Taken[] = [];
      let gone: Taken[] = [];
      steps.forEach(({ size, released, ends }, i) => {
        const block = columns.block(size);
        const bytes = block.uint8(size);
        assert.ok(
          bytes.every((byte) => byte === 0),
          `block of ${size} bytes`,
        );
        bytes.fill(i + 1);
        taken.push({ block, bytes, mark: i + 1 });
        gone.push(...taken.splice(released, 1));
        // To release one again does nothing.
        for (const { block } of gone) block.release();
        for (const { bytes, mark } of taken) assert.ok(bytes.every((byte) => byte === mark));
        if (!ends) return;
        columns.dispose();
        columns = new Columns();
        taken = [];
        gone = [];
      });
      columns.dispose();
    }),
  );
});

test("tables of a small job are where those of the last one were, beside each other", () => {
  const positions = () => {
    const columns = new Columns();
    const blocks = [512, 4000, 64].map((size) => columns.block(size));
    const { record } = columns;
    columns.dispose();
    return [record, ...blocks.map(({ position }) => position)];
  };
  const first = positions();
  assert.deepEqual(positions(), first);
  assert.ok(first[3]! - first[0]! < 8192, `${first}`);
});
