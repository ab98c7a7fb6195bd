import assert from "node:assert/strict";
import { test } from "node:test";
import { SlablinkError } from "../../src/errors.ts";
import { WRITABLE_CODE } from "../../src/memory/memory-mapper.ts";
import { heldResources, SLAB_SIZE, targetKinds } from "./harness.ts";
import { increments, loads, returns } from "./machine-code.ts";

const PAGE = 4096;

for (const kind of targetKinds) {
  test(`${kind.name}: contents written to working memory run with their protections`, { skip: kind.skip }, async () => {
    const before = heldResources();
    const { mapper, call, close } = await kind.open("mapper");
    try {
      const range = await mapper.reserve(SLAB_SIZE);
      assert.equal(range.end - range.start, SLAB_SIZE);
      const [code, constants, data] = [range.start, range.start + PAGE, range.start + 2 * PAGE];
      const memory = mapper.prepare(range.start, 4 * PAGE);
      const at = (address: number): number => address - memory.base;
      memory.bytes.set(returns(42), at(code));
      memory.bytes.set(loads(constants), at(code + 32));
      memory.bytes.set(increments(data + 4), at(code + 64));
      memory.bytes.set(loads(data + 8), at(code + 96));
      memory.bytes.set(loads(data + PAGE), at(code + 128));
      memory.view.setInt32(at(constants), 7, true);
      memory.view.setInt32(at(data + 4), 99, true);
      const key = await mapper.initialize({
        reservation: range.start,
        segments: [
          { address: code, contentSize: 160, zeroFillSize: 0, protection: 5 },
          { address: constants, contentSize: 4, zeroFillSize: 0, protection: 1 },
          { address: data, contentSize: 8, zeroFillSize: PAGE, protection: 3 },
        ],
        actions: [],
      });
      assert.equal(key, range.start);
      assert.equal(await call(code), 42);
      assert.equal(await call(code + 32), 7);
      assert.equal(await call(code + 64), 100);
      assert.equal(await call(code + 64), 101, "data is writable and kept");
      assert.equal(await call(code + 96), 0, "the tail of the contents' page is zero");
      assert.equal(await call(code + 128), 0, "zero-fill is there");
      await mapper.deinitialize([key]);
      await mapper.release([range.start]);
    } finally {
      await close();
    }
    assert.deepEqual(heldResources(), before);
  });

  test(`${kind.name}: memory that is used again starts as zeros`, { skip: kind.skip }, async () => {
    const { mapper, call, close } = await kind.open();
    try {
      const { start } = await mapper.reserve(SLAB_SIZE);
      for (let round = 0; round < (mapper.canReuse ? 3 : 1); round++) {
        const memory = mapper.prepare(start, 2 * PAGE);
        const offset = start - memory.base;
        assert.equal(
          memory.bytes.subarray(offset, offset + 2 * PAGE).every((byte) => byte === 0),
          true,
        );
        memory.bytes.set(loads(start + PAGE + 16), offset);
        memory.bytes.fill(0xff, offset + PAGE, offset + PAGE + 16);
        const segments = [
          { address: start, contentSize: 16, zeroFillSize: 0, protection: 5 },
          { address: start + PAGE, contentSize: 20, zeroFillSize: 0, protection: 3 },
        ];
        const key = await mapper.initialize({ reservation: start, segments, actions: [] });
        assert.equal(await call(start), 0);
        await mapper.deinitialize([key]);
      }
    } finally {
      await close();
    }
  });

  test(`${kind.name}: a large allocation runs, also where it was before`, { skip: kind.skip }, async () => {
    const { mapper, call, close } = await kind.open();
    try {
      const { start } = await mapper.reserve(SLAB_SIZE);
      const size = 4 * 2 ** 20;
      const last = start + size - PAGE;
      for (let round = 1; round <= (mapper.canReuse ? 3 : 1); round++) {
        const memory = mapper.prepare(start, size);
        memory.bytes.set(loads(last), start - memory.base);
        memory.view.setInt32(last - memory.base, round, true);
        const segments = [
          { address: start, contentSize: 2 * 2 ** 20, zeroFillSize: 0, protection: 5 },
          { address: start + 2 * 2 ** 20, contentSize: 2 * 2 ** 20, zeroFillSize: 0, protection: 3 },
        ];
        const key = await mapper.initialize({ reservation: start, segments, actions: [] });
        assert.equal(await call(start), round);
        await mapper.deinitialize([key]);
      }
    } finally {
      await close();
    }
  });

  test(`${kind.name}: segments that are wrong are refused before anything is asked`, { skip: kind.skip }, async () => {
    const { mapper, close } = await kind.open();
    try {
      const { start, end } = await mapper.reserve(SLAB_SIZE);
      mapper.prepare(start, PAGE);
      const refuse = async (
        address: number,
        contentSize: number,
        protection: number,
        message: RegExp,
      ): Promise<void> => {
        const segments = [{ address, contentSize, zeroFillSize: 0, protection }];
        await assert.rejects(mapper.initialize({ reservation: start, segments, actions: [] }), (error) => {
          assert.ok(error instanceof SlablinkError);
          assert.match(error.message, message);
          return true;
        });
      };
      await refuse(start, 8, 7, /writable and executable/);
      await refuse(start + 8, 8, 5, /not at a multiple of 0x1000/);
      await refuse(end - PAGE, PAGE + 1, 1, /not inside the reservation/);
      assert.throws(() => mapper.prepare(end - PAGE, 2 * PAGE), /lie in no reservation/);
    } finally {
      await close();
    }
  });
}

for (const kind of targetKinds.slice(0, 4)) {
  test(`${kind.name}: writable code runs, changes, and is this process's own`, async () => {
    const { mapper, call, close } = await kind.open();
    try {
      const { start } = await mapper.reserve(SLAB_SIZE);
      const memory = mapper.prepare(start, PAGE);
      memory.bytes.set(increments(start + 64), start - memory.base);
      memory.view.setInt32(start + 64 - memory.base, 5, true);
      const segments = [{ address: start, contentSize: 68, zeroFillSize: 0, protection: 7 | WRITABLE_CODE }];
      const key = await mapper.initialize({ reservation: start, segments, actions: [] });
      assert.equal(await call(start), 6);
      assert.equal(await call(start), 7);
      // What was sent is given up.
      if (!kind.name.includes("rpc")) {
        assert.equal(memory.view.getInt32(start + 64 - memory.base, true), 5, "the controller's copy is as it was");
      }
      await mapper.deinitialize([key]);
      await mapper.release([start]);
    } finally {
      await close();
    }
  });

  test(`${kind.name}: a slab goes where it is asked to go, or is refused`, async () => {
    const before = heldResources();
    const { mapper, close } = await kind.open();
    try {
      const range = await mapper.reserve(SLAB_SIZE, 0x5800_0000);
      assert.equal(range.start, 0x5800_0000);
      await assert.rejects(mapper.reserve(SLAB_SIZE, 0x5800_0000 + PAGE), (error) => {
        assert.ok(error instanceof SlablinkError);
        assert.equal(error.code, "memory");
        return true;
      });
      await mapper.release([range.start]);
    } finally {
      await close();
    }
    assert.deepEqual(heldResources(), before);
  });
}
