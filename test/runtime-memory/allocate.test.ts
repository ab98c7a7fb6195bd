import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type ExecutionSession, isRemoteArray, type TypedArrayConstructor, UsageError } from "slablink";
import { inSession, link, sharedWays, ways } from "./sessions.ts";

/** `int f(void)` functions on an array whose address and length are variables of the program's. */
const program = `
  double *given;
  long length;
  int sum(void) { double s = 0; for (long i = 0; i < length; i++) s += given[i]; return (int)s; }
  int write_ends(void) { given[0] = 1.5; given[length - 1] = 2.5; return 0; }
  int scribble(void) { for (long i = 0; i < length; i++) given[i] = -1; return 0; }
`;

async function users(session: ExecutionSession) {
  const linked = await link(session, program);
  return {
    ...linked,
    async give(array: ArrayBufferView & { length: number }): Promise<void> {
      const words = new BigUint64Array([BigInt(session.memory.addressOf(array)!), BigInt(array.length)]);
      await session.memory.writeAsync(linked.job.definition("given")!, new Uint8Array(words.buffer, 0, 8));
      await session.memory.writeAsync(linked.job.definition("length")!, new Uint8Array(words.buffer, 8, 8));
    },
  };
}

const constructors: TypedArrayConstructor[] = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
];

for (const way of ways) {
  test(`${way.name}: allocated arrays are zero, of their kind, aligned, and the program's as well`, async () => {
    await inSession(way, async (session) => {
      for (const type of constructors) {
        const array = await session.allocate(type, 5);
        assert.equal(array.length, 5);
        assert.equal(isRemoteArray(array), !way.shared);
        assert.ok(!way.shared || array instanceof type);
        assert.equal(session.memory.addressOf(array)! % 64, 0);
        assert.ok([...(array as Iterable<number | bigint>)].every((value) => Number(value) === 0));
      }
      const { give, call } = await users(session);
      const doubles = await session.allocate(Float64Array, 1000);
      await give(doubles);
      doubles[3] = 40;
      doubles.set([1, 1], 998);
      assert.equal(await call("sum"), 42);
      await call("write_ends");
      assert.deepEqual([doubles[0], doubles.at(-1)], [1.5, 2.5]);
      assert.equal(session.memory.addressOf(doubles.subarray(10)), session.memory.addressOf(doubles)! + 80);
    });
  });

  test(`${way.name}: freed memory is used again, and is zero again`, async () => {
    await inSession(way, async (session) => {
      const { give, call } = await users(session);
      for (const length of [2, 100, 30_000, 400_000]) {
        const addresses = new Set<number>();
        for (let i = 0; i < 4; i++) {
          const array = await session.allocate(Float64Array, length);
          await give(array);
          assert.equal(await call("sum"), 0, `${length} elements, turn ${i}`);
          assert.equal(array[length - 1], 0);
          addresses.add(session.memory.addressOf(array)!);
          await call("scribble");
          await session.free(array);
          // Gone on with too long.
          if (length === 100) await call("scribble");
        }
        assert.equal(addresses.size, 1, `${length} elements`);
      }
    });
  });

  test(`${way.name}: what is no array of the session's cannot be freed, and no length is refused too late`, async () => {
    await inSession(way, async (session) => {
      const array = await session.allocate(Float64Array, 8);
      const message = /only what allocate gave can be freed, once/;
      await assert.rejects(session.free(new Float64Array(3)), message);
      await assert.rejects(session.free(array.subarray(1)), UsageError);
      await session.free(array);
      await assert.rejects(session.free(array), message);
      const length = (value: number) => session.allocate(Float64Array, value);
      await assert.rejects(
        length(-1),
        new RangeError("Float64Array of length -1: the length must be a whole number from 0 on"),
      );
      await assert.rejects(length(1.5), RangeError);
      await assert.rejects(
        length(2 ** 28),
        /Float64Array of length 268435456: 0x80000000 bytes, at most 0x7ffff000 in one/,
      );
      await assert.rejects(session.allocate(DataView as unknown as TypedArrayConstructor, 8), TypeError);
      assert.equal((await length(0)).length, 0);
    });
  });
}

for (const way of sharedWays) {
  test(`${way.name}: 64 MB and 1 GB are handed over and back without a copy`, async () => {
    await inSession(way, async (session) => {
      const { give, call } = await users(session);
      for (const length of [8 * 2 ** 20, 125_000_000]) {
        const array = await session.allocate(Float64Array, length);
        const requests = session.epc.counters.requests;
        await give(array);
        await call("write_ends");
        assert.deepEqual([array[0], array[length - 1]], [1.5, 2.5]);
        assert.ok(session.epc.counters.bytesSent < 2 ** 20, "only the call has travelled");
        assert.ok(session.epc.counters.requests - requests <= 1);
        await session.free(array);
        assert.equal(array.length, 0, "a large one is taken away when it is freed");
      }
    });
  });

  test(`${way.name}: ten thousand small arrays are no more mappings, descriptors or requests than a few`, async () => {
    await inSession(way, async (session) => {
      const arrays = [await session.allocate(Float64Array, 2)];
      const before = counts(session);
      for (let i = 1; i < 10_000; i++) arrays.push(await session.allocate(Float64Array, 2));
      assert.deepEqual(counts(session), before);
      const addresses = arrays.map((array) => session.memory.addressOf(array)!).sort((a, b) => a - b);
      assert.equal(addresses.at(-1)! - addresses[0], 64 * 9_999, "a line of the cache each");
      for (const [i, array] of arrays.entries()) array.fill(i);
      assert.ok(arrays.every((array, i) => array[0] === i && array[1] === i));
      for (const array of arrays) await session.free(array);
      const again = await session.allocate(Float64Array, 80_000 - 8);
      assert.equal(session.memory.addressOf(again), addresses[0], "free ranges are joined");
      assert.ok(again.every((value) => value === 0));
    });
  });

  test(`${way.name}: nothing is left when a session with arrays has ended`, async () => {
    const left = () => [readdirSync("/dev/shm").length, readdirSync("/proc/self/fd").length, named("memfd:slablink")];
    // What a first session loads stays.
    await inSession(way, async (session) => void (await session.allocate(Uint8Array, 10)));
    const before = left();
    let arrays: Float64Array[] = [];
    let ended: ExecutionSession | undefined;
    await inSession(way, async (session) => {
      arrays = [await session.allocate(Float64Array, 3), await session.allocate(Float64Array, 2 ** 20)];
      ended = session;
      arrays[0].fill(1);
      arrays[1].fill(1);
    });
    assert.deepEqual(left(), before);
    assert.deepEqual(
      arrays.map(({ length }) => length),
      [0, 0],
    );
    assert.equal(arrays[0][0], undefined);
    await assert.rejects(ended!.allocate(Float64Array, 3), /the session has ended/);
    await assert.rejects(ended!.free(arrays[0]), /the session has ended/);
  });
}

/** Mappings of the executor and of this process that are memory of slablink's, descriptors, requests. */
function counts({ epc }: ExecutionSession): number[] {
  const { pid = process.pid } = epc as { pid?: number };
  return [
    named("slablink"),
    readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").length,
    readdirSync("/proc/self/fd").length,
    epc.counters.requests,
  ].slice(pid === process.pid ? 2 : 0);
}

const named = (name: string): number =>
  readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes(name)).length;
