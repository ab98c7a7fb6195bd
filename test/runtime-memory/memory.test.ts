import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ExecutorError,
  ExecutorMemory,
  type RemoteArray,
  type RemoteExecutorProcessControl,
  SpsReader,
  SpsWriter,
  viewSymbol,
} from "slablink";
import { inSession, link, reached, type Way, ways } from "./sessions.ts";

const program = `
  #include <stdlib.h>
  #include <string.h>
  const char *greeting = "hail \\xc3\\xa9";
  const char constant[] = "constant";
  char *block;
  int fill(void) { block = malloc(100000); memset(block, 7, 100000); return block[99999]; }
  int last(void) { return block[99999]; }
`;

const everywhere: readonly Way[] = [...ways, reached(false)];
/** The executor can be asked for its memory without waiting. */
const isImmediate = (way: Way): boolean => !way.name.includes("somebody else");

for (const way of everywhere) {
  test(`${way.name}: any memory is read and written by its address`, async () => {
    await inSession(way, async (session) => {
      const { job, call } = await link(session, program);
      const { memory } = session;
      assert.equal(await call("fill"), 7);
      const pointer = await memory.readAsync(job.definition("block")!, 8);
      const block = Number(new DataView(pointer.buffer, pointer.byteOffset).getBigUint64(0, true));
      const bytes = await memory.readAsync(block, 100_000);
      assert.ok(bytes.length === 100_000 && bytes.every((byte) => byte === 7));
      await memory.writeAsync(block + 99_998, new Uint8Array([8, 9]));
      assert.equal(await call("last"), 9);
      bytes.fill(1);
      assert.equal(await call("last"), 9, "what was read is a copy");
      assert.equal((await memory.readAsync(block, 0)).length, 0);
    });
  });

  test(`${way.name}: what is not mapped so is refused with what is there`, async () => {
    await inSession(way, async (session) => {
      const { job } = await link(session, program);
      const { memory } = session;
      const constant = job.definition("constant")!;
      assert.equal(Buffer.from(await memory.readAsync(constant, 8)).toString(), "constant");
      const where = isImmediate(way)
        ? String.raw`0x${constant.toString(16)} lies in \[0x.* r-`
        : String.raw`.*not writable; of \[0x.* is there$`;
      const expected = new RegExp(`^cannot write 0x1 bytes at 0x${constant.toString(16)}: ${where}`);
      const isRangeError = (pattern: RegExp) => (error: unknown) => {
        assert.ok(error instanceof RangeError, String(error));
        assert.match(error.message, pattern);
        return true;
      };
      await assert.rejects(memory.writeAsync(constant, new Uint8Array(1)), isRangeError(expected));
      await assert.rejects(
        memory.readAsync(8, 4),
        isRangeError(/^cannot read 0x4 bytes at 0x8: .*nothing is (there|mapped at 0x8)$/),
      );
      await assert.rejects(memory.readAsync(-1, 4), isRangeError(/not an address and a size/));
      await assert.rejects(memory.readAsync(2 ** 60, 4), RangeError);
      await assert.rejects(memory.readAsync(0x1000, 1.5), RangeError);
    });
  });

  test(`${way.name}: text is read up to its end`, async () => {
    await inSession(way, async (session) => {
      const { dylib } = await link(session, program);
      const { memory } = session;
      if (!isImmediate(way)) {
        assert.throws(() => memory.readString(1), /cannot read without waiting.*use readAsync/);
        return;
      }
      const address = Number(viewSymbol(session, dylib, "greeting", BigUint64Array)[0]);
      assert.equal(memory.readString(address), "hail é");
      assert.equal(memory.readString(address + 7), "");
      assert.throws(() => memory.readString(0), RangeError);
    });
  });
}

test("an array by messages is read and written as a whole where nothing can be waited for", async () => {
  await inSession(reached(false), async (session) => {
    const { dylib, call } = await link(session, "int n[4] = {1, 2, 3, 4}; int f(void) { return n[0] + n[3]; }");
    const array = viewSymbol(session, dylib, "n", Int32Array) as unknown as RemoteArray<Int32ArrayConstructor>;
    assert.throws(() => array[0], /cannot read without waiting: .*read\(\) of a RemoteArray/);
    assert.throws(() => {
      array[0] = 1;
    }, ExecutorError);
    assert.deepEqual(await array.read(), new Int32Array([1, 2, 3, 4]));
    assert.deepEqual(await array.read(-2), new Int32Array([3, 4]));
    await array.write([40, 41], 2);
    assert.equal(await call("f"), 42);
    await assert.rejects(array.write([1, 2], 3), new RangeError("2 values from 3 on do not fit: the array has 4"));
    const given = (await session.allocate(Float64Array, 3)) as unknown as RemoteArray<Float64ArrayConstructor>;
    await given.write([1, 2, 3]);
    assert.deepEqual(await given.subarray(1).read(), new Float64Array([2, 3]));
    await session.free(given);
    const again = (await session.allocate(Float64Array, 3)) as unknown as RemoteArray<Float64ArrayConstructor>;
    assert.equal(again.address, given.address);
    assert.deepEqual(await again.read(), new Float64Array(3));
  });
});

test("requests without the event loop read and write where the connection can block", async () => {
  const bytes = new Map<number, number>([[0x5000, 7]]);
  const epc = {
    kind: "remote" as const,
    canBlock: true,
    ended: new Promise(() => {}),
    bootstrap: new Map([
      ["__slablink_memory_read", 1],
      ["__slablink_memory_write", 2],
    ]),
    callAddressNow(wrapper: number, argument: Uint8Array): Uint8Array {
      const reader = new SpsReader(argument, "request");
      const address = reader.u64("address");
      if (address !== 0x5000) return new SpsWriter().bool(wrapper === 2).string("nothing is there").bytes;
      if (wrapper === 1) return new SpsWriter().bool(true).blob(new Uint8Array([bytes.get(address)!])).bytes;
      bytes.set(address, reader.blob("bytes")[0]!);
      return new SpsWriter().error(undefined).bytes;
    },
  };
  const memory = new ExecutorMemory({ epc: epc as unknown as RemoteExecutorProcessControl, locate: () => undefined });
  assert.deepEqual([...memory.read(0x5000, 1)], [7]);
  memory.write(0x5000, new Uint8Array([8]));
  assert.deepEqual([...memory.read(0x5000, 1)], [8]);
  assert.throws(
    () => memory.read(0x6000, 1),
    new RangeError("cannot read 0x1 bytes at 0x6000: reading memory: nothing is there"),
  );
});

test("an executor that has ended is not read any more, and arrays over its memory still are", async () => {
  const way = ways.find(({ name }) => name === "in an executor")!;
  await inSession(way, async (session) => {
    const { dylib, job } = await link(
      session,
      "#include <stdlib.h>\nint n[2] = {1, 2}; int end(void) { n[1] = 3; abort(); }",
    );
    const view = viewSymbol(session, dylib, "n", Int32Array);
    const { epc } = session;
    await assert.rejects(
      import("../api/modes.ts").then(({ call }) => call(epc, job.definition("end"))),
      ExecutorError,
    );
    await epc.ended;
    assert.deepEqual([...view], [1, 3]);
    view[0] = 5;
    assert.deepEqual([...viewSymbol(session, dylib, "n", Int32Array)], [5, 3]);
    assert.throws(() => session.memory.read(job.layout.code.address, 1), /the executor has ended/);
  });
});
