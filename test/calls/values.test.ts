import assert from "node:assert/strict";
import { test } from "node:test";
import { modes, open } from "./opened.ts";

const PROGRAM = `
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int add(int a, int b) { return a + b; }
double half(double x) { return x / 2; }
int length(char *text) { return text ? (int)strlen(text) : -1; }
char *second_word(char *text) { return strchr(text, ' ') ? strdup(strchr(text, ' ') + 1) : 0; }
void negate(double *numbers, int n) { for (int i = 0; i < n; i++) numbers[i] = -numbers[i]; }
int doze(int n) { usleep(n % 10 == 0 ? 2000 : 0); return n; }
static _Thread_local int calls_here;
int count_here(int unused) { return ++calls_here; }
void fail_with(int number) { errno = number; }
int last_error(int unused) { return errno; }
static pthread_barrier_t both;
void prepare(int n) { pthread_barrier_init(&both, 0, n); }
int meet(int n) { pthread_barrier_wait(&both); return n; }
int stack(int bytes) { char room[bytes]; memset(room, 7, bytes); return room[bytes / 2]; }
`;
const CALLS = ["iii", "dd", "ip", "sp", "vpi", "ii", "vi"];

for (const mode of modes) {
  test(`${mode}: integers, doubles, strings and arrays go there and come back`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      assert.equal(sync("add", "iii", [40, 2]), 42);
      assert.equal(await call("add", "iii", [-40, -2]), -42);
      assert.equal(sync("half", "dd", [0.5]), 0.25);
      assert.equal(sync("length", "ip", ["grüße"]), 7);
      assert.equal(await call("length", "ip", [0]), -1);
      assert.equal(sync("second_word", "sp", ["one two"]), "two");
      assert.equal(await call("second_word", "sp", ["one"]), null);
      const numbers = Float64Array.of(1, -2, 3);
      assert.equal(sync("negate", "vpi", [numbers, 3]), undefined);
      await call("negate", "vpi", [numbers.subarray(2), 1]);
      assert.deepEqual([...numbers], [-1, 2, 3]);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: what cannot be encoded is refused, and the channel goes on`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      assert.throws(() => sync("add", "iii", [1]), /1 values for 2/);
      await assert.rejects(call("add", "iii", [1, "2"]), TypeError);
      const most = mode === "by messages" ? 2 ** 16 : 2 ** 25;
      const expected = new RegExp(`a string of ${most + 1} bytes does not fit the room for calls`);
      assert.throws(() => sync("length", "ip", ["x".repeat(most)]), expected);
      await assert.rejects(call("negate", "vpi", [new Uint8Array(most + 1), 1]), RangeError);
      for (let i = 0; i < 200; i++) await assert.rejects(call("add", "iii", []), TypeError);
      assert.equal(sync("add", "iii", [1, 2]), 3);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: long strings and large arrays have room beside the lanes, again and again`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      const length = mode === "by messages" ? 50_000 : 12_000_000;
      for (let i = 0; i < 8; i++) assert.equal(sync("length", "ip", ["x".repeat(length)]), length);
      const numbers = new Float64Array(length / 8).fill(1);
      for (let i = 0; i < 9; i++) await call("negate", "vpi", [numbers, numbers.length]);
      assert.ok(numbers.every((x) => x === -1));
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: ten thousand calls one after the other, and a thousand at once of which some block`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      for (let i = 0; i < (mode === "by messages" ? 1000 : 10_000); i++)
        assert.equal(sync("add", "iii", [i, 1]), i + 1);
      const numbers = Array.from({ length: 1000 }, (_, i) => i);
      assert.deepEqual(await Promise.all(numbers.map((i) => call("doze", "ii", [i]))), numbers);
      const pending = numbers.slice(0, 100).map((i) => call("doze", "ii", [i]));
      assert.equal(sync("add", "iii", [1, 1]), 2, "a synchronous call beside them");
      assert.deepEqual(await Promise.all(pending), numbers.slice(0, 100));
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: calls that are outstanding together run side by side`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      sync("prepare", "vi", [20]);
      const all = Array.from({ length: 20 }, (_, i) => i);
      assert.deepEqual(await Promise.all(all.map((i) => call("meet", "ii", [i]))), all);
    } finally {
      await session.endSession();
    }
  });
}

for (const mode of ["in this process", "shared"] as const) {
  test(`${mode}: calls that follow each other run on one thread, with its thread-locals and its errno`, async () => {
    const { session, sync, call } = await open(mode, PROGRAM, CALLS);
    try {
      for (let i = 1; i <= 20; i++) assert.equal(sync("count_here", "ii", [0]), i);
      assert.equal(await call("count_here", "ii", [0]), 21);
      sync("fail_with", "vi", [77]);
      assert.equal(sync("last_error", "ii", [0]), 77);
      await new Promise((resolve) => setTimeout(resolve, 20)); // the thread sleeps by now
      assert.equal(sync("last_error", "ii", [0]), 77);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode}: the threads have stacks as programs have`, async () => {
    const { session, sync } = await open(mode, PROGRAM, CALLS);
    try {
      assert.equal(sync("stack", "ii", [7_000_000]), 7);
    } finally {
      await session.endSession();
    }
  });
}
