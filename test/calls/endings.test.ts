import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecutorError, UsageError } from "../../src/errors.ts";
import { isolated, open } from "./opened.ts";

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
int end_thread(int unused) { pthread_exit(0); }
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

for (const mode of ["in this process", "shared"] as const) {
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
