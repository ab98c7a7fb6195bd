import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { compile, type Instance, importFunction, instantiate, UndefinedSymbolsError } from "slablink";
import { everyMode, modes } from "./modes.ts";

const module = await compile({
  name: "imports.c",
  source: `
    #include <pthread.h>
    #include <stdlib.h>
    #include <unistd.h>
    int ask(int); void note(const char *); double later(double);
    int twice(int x) { return ask(x) * 2; }
    static void *asks(void *into) { *(int *)into = ask(41); return 0; }
    int in_thread(void) { pthread_t t; int r; pthread_create(&t, 0, asks, &r); pthread_join(t, 0); return r; }
    static void *notes(void *unused) { usleep(10000); note("from a thread of its own"); return 0; }
    void start(void) { pthread_t t; pthread_create(&t, 0, notes, 0); pthread_detach(t); }
    double wait_for(double x) { return later(x) + 1; }
    void sort(int *values, int count, int (*compare)(const void *, const void *)) { qsort(values, count, sizeof *values, compare); }
    static int (*kept)(int); void keep(int (*f)(int)) { kept = f; } int call_kept(int x) { return kept(x); }`,
});

for (const mode of everyMode) {
  test(`${mode}: linked code calls JavaScript from any of its threads`, async () => {
    const noted: (string | null)[] = [];
    let nested: (() => unknown) | undefined;
    const instance = await instantiate(module, {
      ...modes[mode],
      exports: {
        twice: "int twice(int)",
        in_thread: "int in_thread(void)",
        start: "void start(void)",
        wait_for: "double wait_for(double)",
        sort: {
          arguments: ["pointer", "int32", { function: { arguments: ["pointer", "pointer"], return: "int32" } }],
        },
        keep: "void keep(int (*)(int))",
        call_kept: "int call_kept(int)",
      },
      imports: {
        ask: importFunction("int ask(int)", (value) => {
          if (value === 13) throw new Error("unlucky");
          if (value === 100) nested?.();
          return value + 1;
        }),
        note: importFunction("void note(const char *)", (text) => void noted.push(text)),
        later: importFunction("double later(double)", async (value) => {
          await delay(5);
          return value * 2;
        }),
      },
    });
    try {
      const { exports: f, memory } = instance;
      assert.equal(f.twice.sync(4), 10);
      assert.equal(await f.twice.async(5), 12);
      assert.equal(f.in_thread.sync(), 42);
      assert.equal(await f.in_thread.async(), 42);

      assert.throws(() => f.twice.sync(13), { message: "unlucky" });
      await assert.rejects(f.twice.async(13), { message: "unlucky" });
      assert.equal(f.twice.sync(1), 4, "an exception is the end of one call only");

      nested = () => assert.equal(f.twice.sync(6), 14);
      assert.equal(f.twice.sync(100), 202);

      assert.equal(await f.wait_for.async(4), 9);
      assert.throws(() => f.wait_for.sync(4), /Promise/);

      await f.start.async();
      while (noted.length === 0) await delay(2);
      assert.deepEqual(noted, ["from a thread of its own"]);

      const int = (address: number) => {
        const bytes = memory.read(address, 4);
        return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
      };
      const values = new Int32Array([5, 3, 9, 1]);
      await f.sort.async(values, 4, (a, b) => int(a) - int(b));
      assert.deepEqual([...values], [1, 3, 5, 9]);
      if (mode !== "isolated, by messages") {
        f.sort.sync(values, 4, (a, b) => int(b) - int(a));
        assert.deepEqual([...values], [9, 5, 3, 1]);
      }

      const kept = await instance.callback("int kept(int)", (value) => value * 3);
      await f.keep.async(kept.address);
      assert.equal(await f.call_kept.async(7), 21);
      kept.release();
      await assert.rejects(f.call_kept.async(7), /called after/);

      const minus = (value: number) => -value;
      const first = await instance.callback("int kept(int)", minus);
      first.release();
      const second = await instance.callback("int kept(int)", minus);
      assert.equal(second.address, first.address, "the place is used again");
      first.release();
      await f.keep.async(second.address);
      assert.equal(await f.call_kept.async(7), -7, "what is released twice is not somebody else's");
    } finally {
      await instance.dispose();
    }
  });
}

const large = { struct: { v: { array: "double", length: 7500 } } } as const;
const passing = await compile({
  name: "passing.c",
  source: `
    struct large { double v[7500]; };
    double last(struct large l); int deeper(int n);
    double last_here(struct large l) { return l.v[7499]; }
    double last_there(struct large l) { l.v[7499] += 1; return last(l); }
    double beside(const char *text, double x) { struct large l; l.v[7499] = x + (text[59999] == 'x'); return last(l); }
    int dive(int n) { return n == 0 ? 0 : 1 + deeper(n - 1); }`,
});

for (const mode of everyMode) {
  test(`${mode}: 60,000 bytes go by value into a call and out of it into an import, beside a long string`, async () => {
    const exports = {
      last_here: { arguments: [large], return: "double" },
      last_there: { arguments: [large], return: "double" },
      beside: "double beside(const char *, double)",
      dive: "int dive(int)",
    } as const;
    const imports = {
      last: importFunction({ arguments: [large], return: "double" }, ({ v }) => v[7499]!),
      deeper: importFunction("int deeper(int)", (n: number): number => instance.exports.dive.sync(n)),
    };
    const instance: Instance<typeof exports> = await instantiate(passing, { ...modes[mode], exports, imports });
    try {
      const v = new Float64Array(7500).fill(4);
      for (const form of ["sync", "async"] as const) {
        assert.equal(await instance.exports.last_here[form]({ v }), 4);
        assert.equal(await instance.exports.last_there[form]({ v }), 5);
        assert.equal(await instance.exports.beside[form]("x".repeat(60_000), 5), 6);
        const most = mode === "isolated, by messages" ? 32 : 128;
        assert.equal(await instance.exports.dive[form](most - 1), most - 1);
        await assert.rejects(async () => await instance.exports.dive[form](most + 1), {
          name: "RangeError",
          message: new RegExp(`alls inside each other, each in an import of the one before: more than ${most}$`),
        });
      }
    } finally {
      await instance.dispose();
    }
  });
}

test("imports that are missing are named with who refers to them", async () => {
  await assert.rejects(instantiate(module), (error) => {
    assert.ok(error instanceof UndefinedSymbolsError);
    assert.deepEqual(
      error.symbols.map(({ name }) => name),
      ["ask", "later", "note"],
    );
    assert.deepEqual(
      error.symbols[0]!.references.map(({ functionName }) => functionName),
      ["twice", "asks"],
    );
    return true;
  });
});

test("what is to be called by linked code is a function, or refused where it is given", async () => {
  const refused = (given: readonly unknown[], message: string) =>
    assert.throws(() => importFunction(...(given as [never, never])), { name: "TypeError", message });
  refused(["int f(int)"], "importFunction: argument 2 (of int f(int)): expected a function, got undefined");
  refused([{ return: "int32" }, 5], "importFunction: argument 2: expected a function, got 5");
  refused([() => 1], "importFunction: argument 1: expected a signature, got a function");
  refused([null, () => 1], "importFunction: argument 1: expected a signature, got null");
  await using instance = await instantiate({ name: "f.c", source: "int f(void) { return 1; }" });
  await assert.rejects(instance.callback("int g(int)", undefined as never), {
    name: "TypeError",
    message: "callback: argument 2: expected a function, got undefined",
  });
});

test("an import may be an address, and nothing else but a function", async () => {
  const object = {
    name: "answer.c",
    source: "int answer(void); int ask_it(void) { return answer(); } int own(void) { return 5; }",
  };
  const first = await instantiate(object, { imports: { answer: 0 }, exports: { own: "int own(void)" } });
  const address = first.address("own");
  const second = await instantiate(object, { imports: { answer: address }, exports: { ask_it: "int ask_it(void)" } });
  assert.equal(second.exports.ask_it(), 5);
  await second.dispose();
  await first.dispose();
  await assert.rejects(instantiate(object, { imports: { answer: (() => 1) as never } }), {
    name: "TypeError",
    message: /imports\.answer is neither an address nor made by importFunction/,
  });
});
