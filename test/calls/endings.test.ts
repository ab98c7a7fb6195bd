import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecutorError, UsageError } from "../../src/errors.ts";
import { isolated, modes, open } from "./opened.ts";

const PROGRAM = `
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int add(int a, int b) { return a + b; }
__attribute__((noinline)) int crash_at(int *where) { return *where = 1; }
int crash(int unused) { return crash_at((int *)(long)unused) + 1; }
int give_up(int unused) { abort(); }
int leave(int status) { exit(status); }
int forever(int unused) { for (;;) ask(0); }
int spin(int unused) { for (volatile int i = 0;; i++) ; }
int doze(int n) { usleep(n); return n; }
int doubled(int x) { return 2 * ask(x); }
int end_thread(int unused) { pthread_exit(0); }
static void *asker(void *x) { return (void *)(long)ask((int)(long)x); }
int from_thread(int x) {
  pthread_t thread; void *result;
  pthread_create(&thread, 0, asker, (void *)(long)x);
  pthread_join(thread, &result);
  return (int)(long)result;
}
static void *cancelled(void *x) { usleep(30000); pthread_cancel(pthread_self()); ask((int)(long)x); pthread_testcancel(); return 0; }
int from_cancelled(int x) {
  pthread_t thread; void *result;
  pthread_create(&thread, 0, cancelled, (void *)(long)x);
  pthread_join(thread, &result);
  return result == PTHREAD_CANCELED;
}
static void *slow(void *x) { ask((int)(long)x); for (volatile long i = 0; i < 100000000; i++) ; return 0; }
int detach(int x) {
  pthread_t thread;
  pthread_create(&thread, 0, slow, (void *)(long)x);
  pthread_detach(thread);
  return 0;
}
`;
const CALLS = ["iii", "ii"];

for (const mode of isolated) {
  const opened = () => open(mode, PROGRAM, CALLS, { ask: "ii" });
  for (const [name, argument, expected] of [
    ["crash", 16, /the executor was killed by SIGSEGV: .*\n(.*\n)*.*crash_at/],
    ["give_up", 0, /the executor was killed by SIGABRT/],
    ["leave", 3, /the executor ended with exit status 3/],
  ] as const) {
    test(`${mode}: ${name} in a synchronous call is thrown, and fails the others`, async () => {
      const { session, sync, call } = await opened();
      try {
        const other = call("doze", "ii", [60_000_000]);
        const failed = assert.rejects(other, expected);
        assert.throws(() => sync(name, "ii", [argument]), expected);
        await failed;
        assert.throws(() => sync("add", "iii", [1, 2]), ExecutorError);
        await assert.rejects(call("add", "iii", [1, 2]), expected);
      } finally {
        await session.endSession();
      }
    });

    test(`${mode}: ${name} in an asynchronous call rejects it and the others`, async () => {
      const { session, call } = await opened();
      try {
        const all = await Promise.allSettled([call("doze", "ii", [60_000_000]), call(name, "ii", [argument])]);
        for (const result of all) {
          assert.equal(result.status, "rejected");
          assert.match((result as PromiseRejectedResult).reason.message, expected);
        }
      } finally {
        await session.endSession();
      }
    });
  }

  test(`${mode}: an executor that is killed from outside`, async () => {
    const { session, sync, call, pid } = await opened();
    try {
      const call1 = call("spin", "ii", [0]);
      process.kill(pid!, "SIGKILL");
      assert.throws(() => sync("spin", "ii", [0]), /the executor was killed by SIGKILL/);
      await assert.rejects(call1, /the executor was killed by SIGKILL/);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a signal that fires stops an endless loop with the process`, async () => {
    const { session, call } = await opened();
    try {
      const controller = new AbortController();
      const other = call("doze", "ii", [60_000_000]);
      const rejected = assert.rejects(other, /the executor was killed: a call was aborted/);
      const endless = call("spin", "ii", [0], { signal: controller.signal });
      setTimeout(() => controller.abort(), 20);
      await assert.rejects(endless, { name: "AbortError" });
      await rejected;
      await assert.rejects(call("spin", "ii", [0], { signal: AbortSignal.abort("why") }), ExecutorError);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a signal after the call's end does nothing`, async () => {
    const { session, call } = await opened();
    try {
      const controller = new AbortController();
      const { signal } = controller;
      assert.equal(await call("add", "iii", [1, 2], { signal }), 3);
      controller.abort();
      assert.equal(await call("add", "iii", [2, 2]), 4);
      await assert.rejects(call("add", "iii", [2, 2], { signal }), { name: "AbortError" });
      assert.equal(await call("add", "iii", [2, 3]), 5, "a call that was never made has stopped nothing");
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a synchronous call has a limit in time, also while it calls imports`, async () => {
    for (const name of ["spin", "forever"]) {
      const { session, sync, bind } = await opened();
      try {
        bind("ask", () => 0);
        assert.throws(() => sync(name, "ii", [0], { timeout: 50 }), { name: "TimeoutError", message: /after 50 ms/ });
        assert.throws(() => sync("add", "iii", [1, 2]), /the executor was killed: the call was not over after 50 ms/);
      } finally {
        await session.endSession();
      }
    }
  });

  test(`${mode}: a channel that is closed fails what is outstanding, and is the only thing that ends`, async () => {
    const { session, channel, sync, call } = await opened();
    try {
      const pending = assert.rejects(call("doze", "ii", [20_000]), /the call channel has been closed/);
      await channel.close();
      await channel.close();
      await pending;
      assert.throws(() => sync("add", "iii", [1, 2]), /has been closed/);
      await session.epc.resolve(0, ["malloc"]);
    } finally {
      await session.endSession();
    }
  });
}

test("in this process: what would need a kill is refused by its name", async () => {
  const { session, sync, call } = await open("in this process", PROGRAM, CALLS, { ask: "ii" });
  try {
    assert.throws(() => sync("add", "iii", [1, 2], { timeout: 5 }), UsageError);
    await assert.rejects(call("add", "iii", [1, 2], { signal: new AbortController().signal }), /^UsageError: signal: /);
    assert.equal(sync("add", "iii", [1, 2]), 3);
  } finally {
    await session.endSession();
  }
});

for (const mode of modes) {
  test(`${mode}: a thread that is about to be cancelled ends its import first`, async () => {
    const { session, sync, call, bind } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      const asked: number[] = [];
      bind("ask", (x: number) => asked.push(x));
      assert.equal(await call("from_cancelled", "ii", [1]), 1);
      assert.equal(sync("from_cancelled", "ii", [2]), 1);
      assert.deepEqual(asked, [1, 2]);
    } finally {
      await session.endSession();
    }
  });
}

test("in this process: the session ends after detached threads that it has sent back from imports", async () => {
  const { session, call, bind } = await open("in this process", PROGRAM, CALLS, { ask: "ii" });
  const asked = new Promise<void>((resolve) => {
    bind("ask", () => {
      resolve();
      return new Promise(() => {});
    });
  });
  const alive = setTimeout(() => {}, 60_000); // a thread alone does not keep Node alive
  await call("detach", "ii", [1]);
  await asked;
  clearTimeout(alive);
  await session.endSession();
});

for (const mode of ["in this process", "shared"] as const) {
  test(`${mode}: a call within an import ends its thread, and with it the call around`, async () => {
    const { session, sync, call, bind } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      const inner: unknown[] = [];
      bind("ask", (x: number) => {
        assert.throws(() => sync("end_thread", "ii", [0]), /pthread_exit/);
        inner.push(sync("add", "iii", [x, 1]));
        return 1;
      });
      const once = () => sync("doubled", "ii", [1]);
      assert.throws(once, /pthread_exit/);
      await assert.rejects(call("doubled", "ii", [2]), /pthread_exit/);
      bind("ask", async (x: number) => {
        assert.throws(() => sync("end_thread", "ii", [0]), /pthread_exit/);
        await call("add", "iii", [x, 1]);
        inner.push(x);
      });
      await assert.rejects(call("doubled", "ii", [3]), /pthread_exit/);
      assert.equal(sync("add", "iii", [1, 2]), 3);
      assert.equal(await call("add", "iii", [2, 2]), 4);
      assert.deepEqual(inner, [2, 3, 3]);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: so does a call within an import of a thread that the program has made, more often than there is room for`, async () => {
    const { session, sync, call, bind } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      bind("ask", () => {
        assert.throws(() => sync("end_thread", "ii", [0]), /pthread_exit/);
        return 1;
      });
      for (let i = 0; i < 20; i++) assert.equal(sync("from_thread", "ii", [1]), 0);
      const all = Array.from({ length: 20 }, () => call("from_thread", "ii", [1]));
      assert.deepEqual(new Set(await Promise.all(all)), new Set([0]));
      bind("ask", (x: number) => x);
      assert.equal(sync("from_thread", "ii", [5]), 5);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: when calls have ended all threads, what follows fails`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      const all = await Promise.allSettled(Array.from({ length: 100 }, () => call("end_thread", "ii", [0])));
      for (const { status } of all) assert.equal(status, "rejected");
      assert.throws(() => sync("add", "iii", [1, 2]), /no thread for calls is left of 64/);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: the end comes to a thread whose import has called and waits for a Promise`, async () => {
    const { session, channel, sync, call, bind } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      let pending: Promise<void> | undefined;
      await new Promise<void>((resolve) => {
        bind("ask", (x: number) => {
          assert.equal(sync("add", "iii", [x, 1]), x + 1);
          setTimeout(resolve, 1);
          return new Promise(() => {});
        });
        pending = assert.rejects(call("from_thread", "ii", [1]), /has been closed/);
      });
      await channel.close();
      await pending;
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a call that ends its thread fails alone`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS, { ask: "ii" });
    try {
      assert.throws(() => sync("end_thread", "ii", [0]), /pthread_exit/);
      await assert.rejects(call("end_thread", "ii", [0]), /pthread_exit/);
      assert.equal(sync("add", "iii", [1, 2]), 3);
      assert.equal(await call("add", "iii", [2, 2]), 4);
    } finally {
      await session.endSession();
    }
  });
}
