import assert from "node:assert/strict";
import { test } from "node:test";
import { modes, open } from "./opened.ts";

const PROGRAM = `
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int twice(int x) { return 2 * ask(x); }
int greet(char *name) { return (int)strlen(name_of(name)); }
int two_names(int unused) { char *a = name_of("a"), *b = name_of("bc"); return 10 * (int)strlen(a) + (int)strlen(b); }
double where(double unused) { return (double)(unsigned long)ask; }
double ask_at(double address, double x) { return ((int (*)(int))(unsigned long)address)((int)x); }
double area(double a, double b) { return ask_double(a, b); }
static void *asker(void *x) { return (void *)(long)ask((int)(long)x); }
int from_thread(int x) {
  pthread_t thread; void *result;
  pthread_create(&thread, 0, asker, (void *)(long)x);
  pthread_join(thread, &result);
  return (int)(long)result;
}
static pthread_t later;
static void *late(void *x) { usleep(30000); tell(ask((int)(long)x)); return 0; }
void start_late(int x) { pthread_create(&later, 0, late, (void *)(long)x); }
void join_late(int unused) { pthread_join(later, 0); }
int many(int n) {
  pthread_t threads[40]; void *result; int sum = 0;
  for (int i = 0; i < n; i++) pthread_create(&threads[i], 0, asker, (void *)(long)i);
  for (int i = 0; i < n; i++) { pthread_join(threads[i], &result); sum += (int)(long)result; }
  return sum;
}
int sum_to(int n) { return n == 0 ? 0 : n + ask(n - 1); }
`;
const IMPORTS = { ask: "ii", name_of: "ss", ask_double: "ddd", tell: "vi" };
const CALLS = ["ii", "ip", "dd", "ddd", "vi"];

for (const mode of modes) {
  const opened = (onError?: (error: unknown) => void) => open(mode, PROGRAM, CALLS, IMPORTS, onError);

  test(`${mode}: linked code calls functions, in both kinds of calls`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      bind("ask", (x: number) => x + 1);
      bind("ask_double", (a: number, b: number) => a * b);
      assert.equal(sync("twice", "ii", [20]), 42);
      assert.equal(await call("twice", "ii", [-1]), 0);
      assert.equal(sync("area", "ddd", [1.5, 4]), 6);
      assert.deepEqual(
        await Promise.all(Array.from({ length: 100 }, (_, i) => call("twice", "ii", [i]))),
        Array.from({ length: 100 }, (_, i) => 2 * (i + 1)),
      );
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: threads of the program's call too, while a call waits for them and after it has returned`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      bind("ask", (x: number) => x * 10);
      assert.equal(sync("from_thread", "ii", [4]), 40);
      assert.equal(await call("from_thread", "ii", [5]), 50);
      assert.equal(sync("many", "ii", [40]), 7800, "more threads than there is room for at once");
      const told = new Promise((resolve) => void bind("tell", resolve));
      sync("start_late", "vi", [6]);
      const alive = setTimeout(() => {}, 60_000); // a thread alone does not keep Node alive
      assert.equal(await told, 60);
      clearTimeout(alive);
      sync("join_late", "vi", [0]);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: an import calls back into linked code, and that an import, fifty deep`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      bind("ask", (n: number) => sync("sum_to", "ii", [n]));
      assert.equal(sync("sum_to", "ii", [3]), 6);
      const deep = mode === "by messages" ? 20 : 50;
      assert.equal(sync("sum_to", "ii", [deep]), (deep * (deep + 1)) / 2);
      assert.equal(await call("sum_to", "ii", [4]), 10);
      bind("ask", async (n: number) => await call("sum_to", "ii", [n]));
      assert.equal(await call("sum_to", "ii", [5]), 15);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: an exception is thrown at the call that the import belongs to, whose result is lost`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      const mistake = new Error("on purpose");
      bind("ask", (n: number) => {
        if (n === 7) throw mistake;
        return n;
      });
      assert.throws(
        () => sync("twice", "ii", [7]),
        (error) => error === mistake,
      );
      await assert.rejects(call("twice", "ii", [7]), (error) => error === mistake);
      assert.equal(sync("twice", "ii", [8]), 16);
      const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => call("twice", "ii", [i])));
      assert.deepEqual(
        results.map(({ status }) => status === "rejected"),
        Array.from({ length: 10 }, (_, i) => i === 7),
      );
      bind("ask", (n: number) => {
        if (n === 0) throw mistake;
        try {
          return sync("twice", "ii", [n - 1]);
        } catch (error) {
          assert.equal(error, mistake);
          return 5;
        }
      });
      assert.equal(sync("twice", "ii", [1]), 10, "the inner call's exception is the inner call's");
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a thread outside of any call: its exception goes to onError, and it gets 0`, async () => {
    const errors: unknown[] = [];
    const { session, sync, bind } = await opened((error) => errors.push(error));
    try {
      const mistake = new Error("on purpose");
      bind("ask", () => {
        throw mistake;
      });
      const told = new Promise((resolve) => void bind("tell", resolve));
      sync("start_late", "vi", [6]);
      const alive = setTimeout(() => {}, 60_000);
      assert.equal(await told, 0);
      clearTimeout(alive);
      sync("join_late", "vi", [0]);
      assert.deepEqual(errors, [mistake]);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: a Promise is waited for by asynchronous calls, and an error in synchronous ones`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      bind("ask", async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 10 - n));
        if (n === 3) throw new RangeError("three");
        return n;
      });
      const results = await Promise.allSettled([1, 2, 3, 4].map((n) => call("twice", "ii", [n])));
      assert.deepEqual(
        results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.message)),
        [2, 4, "three", 8],
      );
      assert.throws(() => sync("twice", "ii", [1]), /with a Promise, which could never settle/);
      assert.equal(await call("from_thread", "ii", [5]), 5);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: an import may answer with anything that has a "then", which is no Promise's`, async () => {
    const { session, sync, call, bind } = await opened();
    try {
      const answer = (then: (resolve: (value: unknown) => void) => void) => bind("ask", () => ({ then }));
      answer((resolve) => resolve(21));
      assert.equal(await call("twice", "ii", [1]), 42);
      assert.throws(() => sync("twice", "ii", [1]), /with a Promise, which could never settle/);
      answer((resolve) => {
        resolve(4);
        resolve(5); // once counts
      });
      assert.equal(await call("twice", "ii", [1]), 8);
      answer((resolve) => resolve("4"));
      await assert.rejects(call("twice", "ii", [1]), { name: "TypeError", message: "string for an int32" });
      answer(() => {
        throw new Error("no then");
      });
      await assert.rejects(call("twice", "ii", [1]), { message: "no then" });
      assert.throws(() => sync("twice", "ii", [1]), /with a Promise, which could never settle/);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: an import that has been removed is an error at the call`, async () => {
    const { session, channel, sync, bind } = await opened();
    try {
      const id = bind("ask", (n: number) => n);
      assert.equal(sync("twice", "ii", [1]), 2);
      channel.removeImport(id);
      assert.throws(() => sync("twice", "ii", [1]), new RegExp(`import ${id}, which has been removed`));
    } finally {
      await session.endSession();
    }
  });
}

for (const mode of ["in this process", "shared"] as const) {
  test(`${mode}: a synchronous call for which no thread will ever be free is an error`, async () => {
    const { session, sync, call, bind } = await open(mode, PROGRAM, CALLS, IMPORTS);
    try {
      const waiting: ((value: number) => void)[] = [];
      const all = await new Promise<Promise<unknown>[]>((resolve) => {
        bind("ask", (x: number) => {
          if (x === 63) setTimeout(() => resolve(calls), 1);
          return new Promise<number>((settle) => void waiting.push(settle));
        });
        const calls = Array.from({ length: 64 }, (_, i) => call("twice", "ii", [i]));
      });
      assert.throws(() => sync("twice", "ii", [1]), /on all 64 wait for Promises/);
      for (const settle of waiting) settle(4);
      assert.deepEqual(new Set(await Promise.all(all)), new Set([8]));
      bind("ask", (x: number) => x);
      assert.equal(sync("twice", "ii", [1]), 2);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: strings that imports answer stay until the call returns`, async () => {
    const { session, sync, bind } = await open(mode, PROGRAM, CALLS, IMPORTS);
    try {
      bind("name_of", (text: string) => `${text}${text}`);
      assert.equal(sync("greet", "ip", ["abc"]), 6);
      assert.equal(sync("two_names", "ii", [0]), 24);
    } finally {
      await session.endSession();
    }
  });
}

test("in this process: code that one channel calls may call an import of another, which calls back", async () => {
  const opened = () => open("in this process", PROGRAM, CALLS, IMPORTS);
  const [one, other] = [await opened(), await opened()];
  try {
    other.bind("ask", (x: number) => x + 1);
    one.bind("ask", (x: number) => other.sync("twice", "ii", [x]));
    const address = one.sync("where", "dd", [0]);
    assert.equal(other.sync("ask_at", "ddd", [address, 4]), 10);
    assert.equal(await other.call("ask_at", "ddd", [address, 5]), 12);
  } finally {
    await one.session.endSession();
    await other.session.endSession();
  }
});
