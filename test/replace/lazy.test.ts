import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { Archive } from "../../src/formats/archive.ts";
import { readingOpener } from "../../src/inputs/file-opener.ts";
import { ProcessSymbolsGenerator, StaticArchiveGenerator } from "../../src/orc/definition-generator.ts";
import type { ExecutionSession } from "../../src/orc/execution-session.ts";
import type { JITDylib } from "../../src/orc/jit-dylib.ts";
import { compile, mustRun } from "../support/compile.ts";
import { objectOf } from "../support/source.ts";
import { freshDirectory } from "../support/workspace.ts";
import { callInt, readerOf, sessionFor } from "./sessions.ts";

/** A JITDylib with an archive whose members define one function each. */
async function archiveOf(session: ExecutionSession, sources: Record<string, string>) {
  const file = join(freshDirectory(), "libfunctions.a");
  const objects = await Promise.all(
    Object.entries(sources).map(([name, text]) => compile(["gcc", "-O2", "-mavx"], `${name}.c`, text)),
  );
  await mustRun("ar", ["rcs", file, ...objects]);
  const dylib = session.createJITDylib("functions");
  dylib.addGenerator(new StaticArchiveGenerator(Archive.read(readingOpener.open(file), () => assert.fail())));
  dylib.addGenerator(new ProcessSymbolsGenerator());
  return dylib;
}

const count = 20;
const functions = Object.fromEntries(
  Array.from({ length: count }, (_, i) => [`f${i}`, `int f${i}(int a, int b) { return ${i} * 1000 + a * 10 + b; }\n`]),
);
const remote = ["in an executor, memory shared", "in an executor, by messages"] as const;

for (const way of remote) {
  test(`of ${count} functions the three that are called are linked, ${way}`, async (context) => {
    const { session, dylib } = await sessionFor(context, way);
    const source = await archiveOf(session, functions);
    await session.lazyReexports(dylib, source, Object.keys(functions));
    const declarations = Object.keys(functions).map((name) => `int ${name}(int, int);`);
    const text = `${declarations.join("\n")}
int (*volatile pointer)(int, int) = f7;
int call(void) { return f3(1, 2) + f7(3, 4) + f3(5, 6) + pointer(1, 1) + f19(0, 1); }
int same(void) { return pointer == f7; }
int unused(void) { return f1(0, 0); }
`;
    dylib.addObject(readerOf(await compile(["gcc", "-O2"], "call.c", text), "call.o"));
    const found = Object.fromEntries(await session.lookup(dylib, ["call", "same"]));
    const before = [...session.jobs()].length;
    const expected = 3012 + 7034 + 3056 + 7011 + 19001;
    assert.equal(await callInt(session, found.call!), expected);
    assert.equal([...session.jobs()].length, before + 3);
    const { requests } = session.epc.counters;
    assert.equal(await callInt(session, found.call!), expected);
    assert.equal(session.epc.counters.requests, requests + 1);
    assert.equal(await callInt(session, found.same!), 1);
    assert.equal([...session.jobs()].length, before + 3);
  });
}

test("arguments of all kinds arrive as they were: integers, vectors in their full width, structs, variadic ones", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const types = `#include <stdarg.h>
typedef double vector __attribute__((vector_size(32)));
struct pair { long a; double b; };
`;
  const source = await archiveOf(session, {
    many: `${types} double many(long a, long b, long c, long d, long e, long f, double g, double h, double i, double j, double k, double l, double m, double n, long o, double p) {
      return a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l + 13*m + 14*n + 15*o + 16*p; }`,
    wide: `${types} vector wide(vector a, vector b) { return a * b + a; }`,
    pairs: `${types} struct pair pairs(struct pair a, struct pair b) { return (struct pair){ a.a + b.a, a.b * b.b }; }`,
    sum: `${types} double sum(int n, ...) { va_list l; va_start(l, n); double s = 0; while (n--) s += va_arg(l, double); va_end(l); return s; }`,
  });
  await session.lazyReexports(dylib, source, { many: "many", wide: "wide", pairs: "pairs", total: "sum" });
  const text = `${types}
double many(long, long, long, long, long, long, double, double, double, double, double, double, double, double, long, double);
vector wide(vector, vector);
struct pair pairs(struct pair, struct pair);
double total(int, ...);
int call_many(void) { return many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16); }
int call_wide(void) { vector r = wide((vector){ 1, 2, 3, 4 }, (vector){ 5, 6, 7, 8 }); return r[0] + 100 * r[1] + 10000 * r[2] + 1000000 * r[3]; }
int call_pairs(void) { struct pair r = pairs((struct pair){ 1, 2 }, (struct pair){ 30, 40 }); return r.a * 100 + r.b; }
int call_total(void) { return total(3, 1.0, 20.0, 300.0); }
`;
  dylib.addObject(readerOf(await compile(["gcc", "-O2", "-mavx"], "call.c", text), "call.o"));
  const names = ["call_many", "call_wide", "call_pairs", "call_total"];
  const found = await session.lookup(dylib, names);
  const results = [];
  for (const name of names) results.push(await callInt(session, found.get(name)!));
  const many = Array.from({ length: 16 }, (_, i) => (i + 1) ** 2).reduce((a, b) => a + b);
  assert.deepEqual(results, [many, 6 + 1400 + 240000 + 36000000, 3180, 321]);
});

test("threads that call one at the same time all get there, and it is linked once", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const source = await archiveOf(session, { f: "int f(int a) { return a + 1; }\n" });
  await session.lazyReexports(dylib, source, ["f"]);
  const text = `#include <pthread.h>
int f(int);
static pthread_barrier_t barrier;
static void *work(void *n) { pthread_barrier_wait(&barrier); return (void *)(long)f((int)(long)n); }
int call(void) {
  pthread_t threads[8]; int sum = 0;
  pthread_barrier_init(&barrier, 0, 8);
  for (long i = 0; i < 8; i++) pthread_create(&threads[i], 0, work, (void *)i);
  for (int i = 0; i < 8; i++) { void *result; pthread_join(threads[i], &result); sum += (int)(long)result; }
  return sum;
}
`;
  dylib.addObject(readerOf(await compile(["gcc", "-O2"], "call.c", text), "call.o"));
  const call = (await session.lookup(dylib, ["call"])).get("call")!;
  const before = [...session.jobs()].length;
  assert.equal(await callInt(session, call), 36);
  assert.equal([...session.jobs()].length, before + 1);
});

test("a call that cannot be linked ends the executor", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const source = await archiveOf(session, { f: "int absent(void); int f(void) { return absent(); }\n" });
  await session.lazyReexports(dylib, source, ["f"]);
  dylib.addObject(readerOf(await compile(["gcc"], "call.c", "int f(void); int call(void) { return f(); }\n"), "c.o"));
  const call = (await session.lookup(dylib, ["call"])).get("call")!;
  await assert.rejects(callInt(session, call), { code: "executor", message: /SIGABRT/ });
});

test("in this process there is nobody to link while the call waits", async (context) => {
  const { session, dylib } = await sessionFor(context, "in this process");
  const source = session.createJITDylib("functions");
  await assert.rejects(session.lazyReexports(dylib, source, ["f"]), { code: "usage", message: /use an executor$/ });
});

/** A JITDylib `source` with `int x(void)` of its own tracker, which is linked when it is called through `x` of `dylib`. */
async function lazyX(session: ExecutionSession, dylib: JITDylib) {
  const source = session.createJITDylib("source");
  const add = async (value: number) => {
    const tracker = source.createResourceTracker();
    source.addLazyObject(readerOf(await objectOf(`int x(void) { return ${value}; }\n`), "x.o"), { tracker });
    return tracker;
  };
  const tracker = await add(1);
  const functions = await session.lazyReexports(dylib, source, ["x"]);
  const x = (await session.lookup(dylib, ["x"])).get("x")!;
  return { source, add, tracker, functions, x };
}

for (const way of remote) {
  test(`a function whose tracker is removed is looked up again by the next call, ${way}`, async (context) => {
    const { session, dylib } = await sessionFor(context, way);
    const { add, tracker, x } = await lazyX(session, dylib);
    let last = tracker;
    for (const value of [2, 3, 4]) {
      assert.equal(await callInt(session, x), value - 1);
      await last.remove();
      last = await add(value);
    }
    assert.equal(await callInt(session, x), 4);
    await last.remove();
    await assert.rejects(callInt(session, x), { code: "executor", message: /SIGABRT/ });
  });

  test(`what stubs were made for takes them along, and nothing of them stays in the executor, ${way}`, async (context) => {
    const { session } = await sessionFor(context, way);
    const { pid } = session.epc as RemoteExecutorProcessControl;
    const resources = () => ({
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      mappings: readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").length,
    });
    const round = async (redirectable: "by name" | "by address") => {
      const dylib = session.createJITDylib("stubs");
      const { source, x } = await lazyX(session, dylib);
      await callInt(session, x);
      await session.createRedirectableSymbols(dylib, { y: redirectable === "by name" ? "x" : x });
      // At once: the slots of the one lead to the other.
      const both = redirectable === "by name" ? [dylib, source] : [source, dylib];
      await Promise.all(both.map((each) => session.removeJITDylib(each)));
    };
    // The first one links slablink's own code, which stays.
    await round("by name");
    const before = { ...resources(), jobs: [...session.jobs()].length };
    for (let i = 0; i < 20; i++) await round(i % 2 === 0 ? "by name" : "by address");
    assert.deepEqual({ ...resources(), jobs: [...session.jobs()].length }, before);
  });
}

test("a function whose JITDylib is removed cannot be linked any more, called before or not", async (context) => {
  for (const isCalled of [false, true]) {
    const { session, dylib } = await sessionFor(context);
    const { source, x } = await lazyX(session, dylib);
    if (isCalled) assert.equal(await callInt(session, x), 1);
    await session.removeJITDylib(source);
    const jobs = [...session.jobs()].length;
    await assert.rejects(callInt(session, x), { code: "executor", message: /SIGABRT/ });
    assert.equal([...session.jobs()].length, jobs);
  }
});

test("a function is looked up again also where its memory stays, since others share it", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const source = session.createJITDylib("source");
  const trackers = [source.createResourceTracker(), source.createResourceTracker()];
  const texts = [
    "int b(void); int (*other)(void) = b; int a(void) { return 1; }\n",
    "int a(void); int (*another)(void) = a; int b(void) { return 2; }\n",
  ];
  for (const [i, text] of texts.entries()) {
    source.addLazyObject(readerOf(await objectOf(text), `${i}.o`), { tracker: trackers[i]! });
  }
  await session.lazyReexports(dylib, source, ["a", "b"]);
  const found = await session.lookup(dylib, ["a", "b"]);
  assert.equal(await callInt(session, found.get("a")!), 1);
  assert.equal(await callInt(session, found.get("b")!), 2);
  await trackers[0]!.remove();
  assert.equal(await callInt(session, found.get("b")!), 2);
  source.addLazyObject(readerOf(await objectOf("int a(void) { return 3; }\n"), "new.o"));
  assert.equal(await callInt(session, found.get("a")!), 3);
});

test("the stubs can be removed by themselves, unless linked code refers to them", async (context) => {
  const { session, dylib } = await sessionFor(context);
  const { source, functions, x } = await lazyX(session, dylib);
  const tracker = dylib.createResourceTracker();
  dylib.addObject(readerOf(await objectOf("int x(void); int call(void) { return x(); }\n"), "call.o"), { tracker });
  const call = (await session.lookup(dylib, ["call"])).get("call")!;
  await assert.rejects(functions.remove(), {
    name: "StillReferencedError",
    references: [{ objects: ["call.o"], names: ["x"] }],
  });
  assert.equal(await callInt(session, call), 1);
  await tracker.remove();
  await functions.remove();
  await functions.remove();
  assert.equal(dylib.find("x"), undefined);
  assert.notEqual(source.find("x"), undefined);
  const again = await session.lazyReexports(dylib, source, ["x"]);
  assert.deepEqual(again.names, ["x"]);
  assert.equal((await session.lookup(dylib, ["x"])).get("x"), x, "its memory is used again");
  assert.equal(await callInt(session, x), 1);
  await again.remove({ force: true });
});
