import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isRemoteArray, LinkError, UsageError, viewSymbol } from "slablink";
import { inSession, isolated, link, sharedWays, ways } from "./sessions.ts";

const variables = `
  double table[4] = {1, 2, 3, 4};                 /* .data */
  int counters[8];                                /* .bss */
  int shared_by_all[4] __attribute__((common));   /* COMMON */
  static long gap[3] = {7, 8, 9};
  int sum(void) { return (int)(table[0] + table[1] + table[2] + table[3]) + (int)gap[1]; }
  int count_all(void) { for (int i = 0; i < 8; i++) counters[i] += i; return counters[7]; }
  int common_sum(void) { shared_by_all[3]++; return shared_by_all[0] + shared_by_all[3]; }
`;

for (const way of ways) {
  test(`${way.name}: variables are seen and written from both sides`, async () => {
    await inSession(way, async (session) => {
      const { dylib, job, call } = await link(session, variables, ["-fcommon"]);
      const table = viewSymbol(session, dylib, "table", Float64Array);
      assert.equal(isRemoteArray(table), !way.shared);
      assert.equal(table instanceof Float64Array, way.shared);
      assert.deepEqual([...table], [1, 2, 3, 4]);
      table[0] = 100;
      assert.equal(await call("sum"), 117);
      table.set([10, 20], 2);
      assert.equal(await call("sum"), 140);

      const counters = viewSymbol(session, job, "counters", Int32Array);
      assert.equal(counters.length, 8);
      assert.deepEqual([...counters], [0, 0, 0, 0, 0, 0, 0, 0]);
      counters[7] = 5;
      assert.equal(await call("count_all"), 12);
      assert.deepEqual([...counters], [0, 1, 2, 3, 4, 5, 6, 12]);

      const common = viewSymbol(session, dylib, "shared_by_all", Int32Array, 4);
      common[0] = 40;
      assert.equal(await call("common_sum"), 41);
      assert.equal(common[3], 1);
      assert.equal(session.memory.addressOf(common), job.definition("shared_by_all"));
      assert.equal(session.memory.addressOf(common.subarray(2)), job.definition("shared_by_all")! + 8);
      assert.equal(session.memory.addressOf(new Int32Array(4)), undefined);
    });
  });

  test(`${way.name}: a large array in .bss is there and takes no memory until it is touched`, async () => {
    await inSession(way, async (session) => {
      const { dylib, call } = await link(
        session,
        `char large[300 << 20]; int last(void) { return large[sizeof large - 1] + large[1 << 20]; }`,
      );
      const before = sharedPages();
      const large = viewSymbol(session, dylib, "large", Uint8Array);
      assert.equal(large.length, 300 * 2 ** 20);
      large[large.length - 1] = 40;
      assert.equal(await call("last"), 40);
      large[2 ** 20] = 2;
      assert.equal(await call("last"), 42);
      assert.ok(sharedPages() - before < 2 ** 20, "a few pages have been touched");
    });
  });
}

/** Bytes of shared memory that are resident here (/proc/self/status, RssShmem). */
function sharedPages(): number {
  return 1024 * Number(/RssShmem:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

for (const way of sharedWays) {
  test(`${way.name}: atomics work on both sides`, async () => {
    await inSession(way, async (session) => {
      const { dylib, call } = await link(
        session,
        `#include <pthread.h>
         #include <stdatomic.h>
         atomic_int turns[4];
         static pthread_t thread;
         static void *work(void *unused) {
           while (!atomic_load(&turns[0])) ;
           for (int i = 0; i < 100000; i++) atomic_fetch_add(&turns[1], 1);
           atomic_store(&turns[2], 1);
           return unused;
         }
         int begin(void) { return pthread_create(&thread, 0, work, 0); }
         int end(void) { pthread_join(thread, 0); return turns[1]; }`,
      );
      const turns = viewSymbol(session, dylib, "turns", Int32Array);
      assert.equal(await call("begin"), 0);
      Atomics.store(turns, 0, 1);
      for (let i = 0; i < 100_000; i++) Atomics.add(turns, 1, 1);
      for (let i = 0; Atomics.load(turns, 2) === 0; i++) {
        assert.ok(i < 20_000, "the thread never sees what is written here");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      assert.equal(await call("end"), 200_000);
      assert.equal(Atomics.compareExchange(turns, 1, 200_000, 3), 200_000);
    });
  });

  test(`${way.name}: a native thread that sleeps in a futex is woken through the array`, async () => {
    await inSession(way, async (session) => {
      const { dylib, call } = await link(
        session,
        `#include <linux/futex.h>
         #include <pthread.h>
         #include <stdatomic.h>
         #include <sys/syscall.h>
         #include <unistd.h>
         atomic_int word[2];
         static pthread_t thread;
         static void *work(void *unused) {
           while (!atomic_load(&word[0])) syscall(SYS_futex, &word[0], FUTEX_WAIT, 0, 0, 0, 0);
           atomic_store(&word[1], 42);
           return unused;
         }
         int begin(void) { return pthread_create(&thread, 0, work, 0); }
         int wake(void) { syscall(SYS_futex, &word[0], FUTEX_WAKE, 1, 0, 0, 0); pthread_join(thread, 0); return word[1]; }`,
      );
      const word = viewSymbol(session, dylib, "word", Int32Array);
      assert.equal(await call("begin"), 0);
      Atomics.store(word, 0, 1);
      assert.equal(await call("wake"), 42);
      assert.equal(Atomics.load(word, 1), 42);
    });
  });

  test(`${way.name}: a Buffer and a DataView can be made over a view`, async () => {
    await inSession(way, async (session) => {
      const { dylib, call } = await link(
        session,
        `unsigned char text[16]; int first(void) { return text[0] + text[9]; }`,
      );
      const { buffer, byteOffset, byteLength } = viewSymbol(session, dylib, "text", Uint8Array);
      Buffer.from(buffer, byteOffset, byteLength).write("!");
      new DataView(buffer, byteOffset, byteLength).setUint8(9, 9);
      assert.equal(await call("first"), 42);
    });
  });

  test(`${way.name}: a view has nothing any more when its job is removed, and its memory is another job's`, async () => {
    await inSession(way, async (session) => {
      const first = await link(session, "int n[2] = {1, 2}; int zero[1000]; int f(void) { return n[0]; }");
      const view = viewSymbol(session, first.job, "n", Int32Array);
      const zero = viewSymbol(session, first.job, "zero", Int32Array);
      zero.fill(-1);
      await session.remove(first.job);
      assert.deepEqual([view.length, view[0], zero.length], [0, undefined, 0]);
      const second = await link(session, "int n[3] = {3, 4, 5}; int zero[1000]; int f(void) { return n[0]; }");
      assert.equal(second.job.alloc.address, first.job.alloc.address, "the memory is used again");
      assert.deepEqual([...viewSymbol(session, second.dylib, "n", Int32Array)], [3, 4, 5]);
      assert.ok(viewSymbol(session, second.dylib, "zero", Int32Array).every((n) => n === 0));
      assert.equal(await second.call("f"), 3);
    });
  });

  test(`${way.name}: what was code or data becomes zero-fill of another job`, async () => {
    await inSession(way, async (session) => {
      const text = `int data[2000] = {1, 2, 3}; int f(void) { return data[5]; }`;
      const first = await link(session, text);
      viewSymbol(session, first.job, "data", Int32Array).fill(-1);
      await session.remove(first.job);
      const second = await link(
        session,
        "int zero[8000]; int f(void) { int n = 0; for (int i = 0; i < 8000; i++) n |= zero[i]; return n; }",
      );
      assert.equal(second.job.alloc.address, first.job.alloc.address);
      assert.equal(await second.call("f"), 0);
      assert.ok(viewSymbol(session, second.job, "zero", Int32Array).every((n) => n === 0));
    });
  });

  test(`${way.name}: live views survive the end of the session, without elements`, async () => {
    const session = await way.open();
    const { dylib } = await link(session, "double d[4] = {1, 2, 3, 4}; int z[100];");
    const views = [viewSymbol(session, dylib, "d", Float64Array), viewSymbol(session, dylib, "z", Int32Array)];
    const bytes = new DataView(views[0].buffer);
    await session.endSession();
    for (const view of views) {
      assert.equal(view.length, 0);
      view[0] = 1;
      assert.equal(view[0], undefined);
    }
    assert.throws(() => bytes.getUint8(0), TypeError);
    assert.throws(() => session.memory.read(0x1000, 1), /the session has ended/);
    assert.throws(() => viewSymbol(session, dylib, "d", Float64Array)[0], /the session has ended/);
  });
}

test("in an executor without shared data: variables are private, and read by address all the same", async () => {
  await inSession(isolated(false), async (session) => {
    const { dylib, job, call } = await link(session, "int n[2] = {1, 2}; int f(void) { return ++n[0]; }");
    assert.equal(job.visibleData, undefined);
    const view = viewSymbol(session, dylib, "n", Int32Array);
    assert.ok(isRemoteArray(view));
    assert.equal(await call("f"), 2);
    assert.equal(view[0], 2);
    view[0] = 41;
    assert.equal(await call("f"), 42);
  });
});

const strange = `
  #include <stdio.h>
  int whole[5];
  int lonely = 1;
  const int constant[2] = {5, 6};
  __thread int own;
  char packed[12] __attribute__((aligned(16)));
  __asm__(".data\\n.globl sizeless\\nsizeless: .long 1, 2, 3\\n.text\\n.globl number\\n.set number, 12");
  int f(void) { own++; return fprintf(stdout, "%d", constant[0] + packed[0] + lonely); }
`;

for (const way of ways) {
  test(`${way.name}: what is no such variable is refused with both numbers`, async () => {
    await inSession(way, async (session) => {
      const { dylib, job } = await link(session, strange);
      const view = (
        name: string,
        type: Int32ArrayConstructor | Float64ArrayConstructor = Int32Array,
        length?: number,
      ) => viewSymbol(session, dylib, name, type, length);
      assert.equal(view("whole", Int32Array, 2).length, 2);
      assert.equal(view("sizeless", Int32Array, 3)[2], 3);
      assert.throws(
        () => view("whole", Int32Array, 6),
        new RangeError("whole as a Int32Array of length 6: 24 bytes, the variable has 20"),
      );
      assert.throws(() => view("whole", Float64Array), /its 20 bytes are no multiple of 8; give a length/);
      assert.throws(() => view("sizeless"), /its object does not say how large it is; give a length/);
      assert.throws(() => view("whole", Int32Array, -1), /Int32Array of length -1: the length must be/);
      assert.throws(() => view("f"), new UsageError("f cannot be viewed: it is a function"));
      assert.throws(() => view("own"), /it is thread-local, another one in each thread/);
      assert.throws(() => view("number"), /it is a plain number/);
      assert.throws(() => view("stdout"), /a library defines it/);
      assert.throws(
        () => view("lonesy"),
        (error) =>
          error instanceof LinkError && error.code === "undefined-symbol" && /there is lonely/.test(error.message),
      );
      for (const [given, what] of [
        [undefined, "undefined"],
        [DataView, "DataView"],
        [Array, "Array"],
        [Buffer, "Buffer"],
        ["Int32Array", 'the string "Int32Array"'],
      ] as const) {
        const refused = new TypeError(`${what} is no constructor of typed arrays, such as Float64Array`);
        assert.throws(() => viewSymbol(session, dylib, "whole", given as never), refused);
        await assert.rejects(session.allocate(given as never, 4), refused);
      }
      const address = job.definition("constant")!;
      assert.throws(
        () => view("constant"),
        new RegExp(`read-only.*memory.read\\(0x${address.toString(16)}, 8\\) gives a copy`),
      );
      const copy = await session.memory.readAsync(address, 8);
      assert.deepEqual([...new Int32Array(copy.buffer)], [5, 6]);
      const odd = job.definition("packed")!;
      assert.equal(odd % 16, 0);
    });
  });
}
