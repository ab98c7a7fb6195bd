import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  ExecutionSession,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  launchExecutor,
  monotonicNow,
  ProcessSymbolsGenerator,
  RpcMemoryMapper,
  readingOpener,
  SharedMemoryMapper,
  SlabMemory,
  SlabMemoryManager,
  type SpanBatch,
  SpanRecorder,
  Tracer,
  traceText,
} from "slablink";
import { encodeResolve } from "../../src/epc/calls.ts";
import { Llvm } from "../../src/epc/dialect.ts";
import { FileArena } from "../../src/host/arena.ts";
import { koffi } from "../../src/host/koffi.ts";
import { endThreads, startThreads } from "../../src/kernel/threads.ts";
import { call, SLAB_SIZE } from "../api/modes.ts";
import { llvmExecutorPath } from "../epc/executors.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { isWithin, parseTrace, show } from "./read-trace.ts";

const object = async (text: string) => readingOpener.open(await compile(["gcc", "-O1", "-fPIE"], "part.c", text));

const targets = {
  "in this process": async (trace: Tracer) => {
    const epc = new InProcessExecutorProcessControl();
    const mapper = new InProcessMemoryMapper(epc);
    trace.watch(mapper);
    return { epc, mapper, sharedMemory: true };
  },
  "over shared memory": async (trace: Tracer) => {
    const slab = new SlabMemory(SLAB_SIZE);
    const epc = await launchExecutor({ path: executorPath(), slab, trace });
    return { epc, mapper: new SharedMemoryMapper(epc, { inherited: slab }), sharedMemory: true };
  },
  "by messages": async (trace: Tracer) => {
    const epc = await launchExecutor({ path: executorPath(), trace });
    return { epc, mapper: new RpcMemoryMapper(epc), sharedMemory: false };
  },
};

for (const [name, open] of Object.entries(targets)) {
  test(`${name}: jobs of a session that go on side by side are on lines of their own`, async () => {
    const trace = new Tracer();
    const { epc, mapper, sharedMemory } = await open(trace);
    const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
    const session = new ExecutionSession({ epc, memoryManager, sharedMemory, trace });
    const jobs = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const dylib = session.createJITDylib(`job ${number}`);
        dylib.addGenerator(new ProcessSymbolsGenerator());
        const text = `#include <stdlib.h>\nint f(void) { return abs(-${number}); }`;
        return { dylib, reader: await object(text) };
      }),
    );
    for (const { dylib, reader } of jobs) dylib.addObject(reader);
    const values = await trace.follow("all of them", () =>
      Promise.all(
        jobs.map(async ({ dylib }) => {
          const found = await session.lookup(dylib, ["f"]);
          return call(epc, found.get("f"));
        }),
      ),
    );
    assert.deepEqual(values, [1, 2, 3]);
    assert.equal(
      trace.measure("by hand", () => 5, { number: 5 }),
      5,
    );
    await session.endSession();

    const read = parseTrace(traceText(trace));
    const all = read.one("all of them", "session");
    const links = [1, 2, 3].map((number) => read.one(`link job ${number}`, "link jobs"));
    for (const link of links) {
      assert.ok(isWithin(link, all), show(link));
      assert.equal(link.args.objects, 1);
    }
    assert.equal(new Set(links.map(({ tid }) => tid)).size, 3, "they overlap");
    assert.equal(read.one("by hand").args.number, 5);
    if (name === "in this process") {
      assert.equal(read.processes.size, 1);
      return;
    }
    const requests = read.spans.filter(({ cat }) => cat === "requests");
    assert.equal(requests.length, 1 + 3 * 3, "a slab; for each job its image, its memory and a call");
    assert.equal(read.flows.length, requests.length, "each request has what served it");
    for (const [request, served] of read.flows)
      assert.ok(isWithin(served, request), `${show(served)}, ${show(request)}`);
    assert.ok(new Set(requests.map(({ tid }) => tid)).size > 1, "they overlap");
    assert.equal(read.named("run as void function", "request").length, 3);
  });
}

test("more requests than the executor keeps come in batches, none lost", async () => {
  const trace = new Tracer();
  const epc = await launchExecutor({ path: executorPath(), trace });
  const count = 2500;
  // Not by `resolve`, which remembers the answers.
  const ask = () => epc.callWrapper(Llvm.dylibResolve, encodeResolve(0, ["abs"]));
  for (let at = 0; at < count; at += 50) {
    await Promise.all(Array.from({ length: 50 }, ask));
  }
  await epc.disconnect();
  const read = parseTrace(traceText(trace));
  assert.equal(read.flows.length, count);
  for (const [request, served] of read.flows) assert.ok(isWithin(served, request), `${show(served)}, ${show(request)}`);
});

test("a call from linked code is a span here, inside of the executor's that waits for it", async () => {
  const trace = new Tracer();
  const slab = new SlabMemory(SLAB_SIZE);
  const epc = await launchExecutor({ path: executorPath(), slab, trace });
  const mapper = new SharedMemoryMapper(epc, { inherited: slab });
  const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
  const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true, trace });
  const dylib = session.createJITDylib("calls");
  for (const name of ["fn", "ctx"]) {
    dylib.define(`dispatch_${name}`, epc.bootstrapAddress(`__llvm_orc_SimpleRemoteEPC_dispatch_${name}`));
  }
  dylib.addObject(
    await object(`struct result { union { char *pointer; char value[8]; } data; unsigned long size; };
      struct result dispatch_fn(void *, const void *, const char *, unsigned long);
      extern char dispatch_ctx;
      int f(void) {
        struct result r = dispatch_fn(&dispatch_ctx, (void *)0x1234, "ping", 4);
        return r.size == 2 ? r.data.value[1] : -1;
      }`),
  );
  epc.handleDispatch(0x1234, async (argument) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return Uint8Array.of(argument.length, 42);
  });
  assert.equal(await call(epc, (await session.lookup(dylib, ["f"])).get("f")), 42);
  await session.endSession();
  const read = parseTrace(traceText(trace));
  const handling = read.one("handle call to 0x1234", "calls from linked code");
  const waiting = read.one("call to the controller");
  assert.deepEqual(handling.args, { "bytes in": 4, "bytes out": 2 });
  assert.ok(isWithin(handling, waiting), `${show(handling)}, ${show(waiting)}`);
  assert.ok(isWithin(waiting, read.one("run as void function", "request")), show(waiting));
});

test("an executor without a trace is not asked for one, and has no names for it", async () => {
  const epc = await launchExecutor({ path: executorPath() });
  assert.deepEqual(
    [...epc.bootstrap.keys()].filter((name) => name.includes("trace")),
    [],
  );
  await epc.disconnect();
  const other = await launchExecutor({ path: executorPath(), trace: new Tracer() });
  assert.equal([...other.bootstrap.keys()].filter((name) => name.includes("trace")).length, 2);
  await other.disconnect();
});

test("LLVM's executor: requests are recorded, and nothing else", async (t) => {
  if (!has(t, llvmExecutorPath)) return;
  const trace = new Tracer();
  const epc = await launchExecutor({ path: llvmExecutorPath, llvm: true, trace });
  const [address] = await epc.resolve(0, ["abs"]);
  assert.ok(address);
  await epc.disconnect();
  const read = parseTrace(traceText(trace));
  const requests = read.spans.filter(({ cat }) => cat === "requests");
  assert.deepEqual(
    requests.map(({ name }) => name),
    ["dylib open", "dylib resolve"],
  );
  for (const { pid } of read.spans) assert.equal(pid, process.pid);
  assert.equal(read.flows.length, 0);
});

test("an executor that is killed leaves its requests with the reason", async () => {
  const trace = new Tracer();
  const epc = await launchExecutor({ path: executorPath(), trace });
  epc.kill("SIGSTOP");
  const tasks = `/proc/${epc.pid}/task`;
  const isStopped = (task: string) => readFileSync(`${tasks}/${task}/stat`, "latin1").includes(") T ");
  while (!readdirSync(tasks).every(isStopped)) await new Promise((resolve) => setTimeout(resolve, 1));
  const pending = assert.rejects(epc.resolve(0, ["abs"]));
  epc.kill("SIGKILL");
  await pending;
  await epc.disconnect();
  const read = parseTrace(traceText(trace));
  assert.match(String(read.one("dylib resolve", "requests").args.unanswered), /killed by SIGKILL/);
});

test("loops that the kernel's threads run are lines of their own, inside of the step that asked for them", async () => {
  const trace = new Tracer();
  const { epc, mapper, sharedMemory } = await targets["in this process"](trace);
  const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
  const session = new ExecutionSession({ epc, memoryManager, sharedMemory, trace, threads: 2 });
  using arena = new FileArena();
  try {
    // One that is not there yet takes no part.
    const threads = startThreads(2)!;
    while (threads.idle === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const dylib = session.createJITDylib("shared");
    dylib.addObject(arena.map(await compile(["gcc", "-O1", "-fPIE"], "part.c", "int f(void) { return 42; }")));
    const found = await session.lookup(dylib, ["f"]);
    assert.equal(await call(epc, found.get("f")), 42);
  } finally {
    await session.endSession();
    await endThreads();
  }
  const read = parseTrace(traceText(trace));
  for (const [loop, step] of [
    ["copyChunks", "copy"],
    ["applyChunks", "fix up"],
  ]) {
    const span = read.one(loop!);
    assert.equal(span.thread, "kernel thread 1");
    assert.ok(isWithin(span, read.one(step!, "link jobs")), loop);
  }
});

test("a worker's spans are a thread of their own, on the same axis", async () => {
  const trace = new Tracer();
  const index = new URL("../../src/index.js", import.meta.url).href;
  const source = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(index)}).then(({ SpanRecorder }) => {
      const recorder = new SpanRecorder("worker 1");
      const whole = recorder.begin("fix up", { relocations: 7 });
      for (const part of ["first half", "second half"]) recorder.end(recorder.begin(part));
      parentPort.postMessage(recorder.take());
      recorder.end(whole, { done: true });
      parentPort.postMessage(recorder.take());
    });`;
  const before = monotonicNow();
  const batches = await new Promise<SpanBatch[]>((resolve, reject) => {
    const received: SpanBatch[] = [];
    const worker = new Worker(source, { eval: true });
    worker.on("message", (batch: SpanBatch) => received.push(batch));
    worker.on("error", reject);
    worker.on("exit", () => resolve(received));
  });
  const after = monotonicNow();
  for (const batch of batches) trace.add(batch);
  const read = parseTrace(traceText(trace));
  const whole = read.one("fix up");
  assert.deepEqual(whole.args, { relocations: 7, done: true });
  assert.equal(whole.thread, "worker 1");
  for (const name of ["first half", "second half"]) assert.ok(isWithin(read.one(name), whole), name);
  const start = whole.start + read.origin;
  assert.ok(start > before && whole.end + read.origin < after, `${start} is not between ${before} and ${after}`);
});

test("times reach a reader that multiplies and cuts off as the nanoseconds they are", () => {
  const trace = new Tracer();
  const recorder = new SpanRecorder("numbers");
  const expected = new Map<string, [number, number]>();
  let seed = 1;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48271) % 2147483647;
    const start = i < 5000 ? i : seed * (1 + (seed % 4000));
    const end = start + (seed % 1_000_003);
    expected.set(`${i}`, [start, end]);
    trace.add({ thread: `${i}`, spans: [{ name: `${i}`, start: trace.origin + start, end: trace.origin + end }] });
  }
  assert.deepEqual(recorder.take(), { thread: "numbers", spans: [] });
  const { traceEvents } = JSON.parse(traceText(trace)) as {
    traceEvents: { name: string; ph: string; ts: number; dur: number }[];
  };
  let seen = 0;
  for (const { name, ph, ts, dur } of traceEvents) {
    if (ph !== "X") continue;
    const [start, end] = expected.get(name)!;
    assert.deepEqual([Math.trunc(ts * 1000), Math.trunc(dur * 1000)], [start, end - start], name);
    seen++;
  }
  assert.equal(seen, expected.size);
});

test("spans that were left open are ended with the one around them, or by the end of the trace", () => {
  const trace = new Tracer();
  const recorder = new SpanRecorder("left open");
  const outer = recorder.begin("outer");
  recorder.begin("inner");
  recorder.end(outer);
  recorder.end(outer, { late: true });
  recorder.begin("last");
  const { spans } = recorder.take();
  assert.deepEqual(
    spans.map(({ name, args }) => [name, args]),
    [
      ["outer", undefined],
      ["inner", undefined],
    ],
  );
  assert.equal(spans[0]!.end, spans[1]!.end);
  trace.steps("group", "whole").begin("step");
  const read = parseTrace(traceText(trace));
  assert.ok(isWithin(read.one("step", "group"), read.one("whole")));
  assert.equal(parseTrace(traceText(trace, { isUnfinished: true })).one("whole").end, Number.POSITIVE_INFINITY);
});

test("the controller's clock is CLOCK_MONOTONIC, as the executor's is", () => {
  const clock = koffi().load(null).func("clock_gettime", "int", ["int", "void *"]);
  const CLOCK_MONOTONIC = 1; // <time.h>
  const native = (): number => {
    const time = new BigInt64Array(2);
    assert.equal(clock(CLOCK_MONOTONIC, new Uint8Array(time.buffer)), 0);
    return Number(time[0]) * 1e9 + Number(time[1]);
  };
  for (let i = 0; i < 1000; i++) {
    const [before, between, after] = [native(), monotonicNow(), native()];
    assert.ok(before <= between && between <= after, `${before}, ${between}, ${after}`);
  }
});

test("a stretch of work ends where the thread waits by itself, unless something in it goes on", async () => {
  const trace = new Tracer();
  const stretches = () =>
    trace.threads[0]!.spans.map(({ name, end }) => `${name}${end === undefined ? " goes on" : ""}`);
  trace.awake("first");
  trace.asleep();
  trace.awake("second");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(stretches(), ["first", "second"]);
  trace.awake("third");
  trace.measure("work", () => trace.asleep());
  assert.deepEqual(stretches(), ["first", "second", "third goes on", "work"]);
  trace.asleep();
  trace.asleep();
  assert.deepEqual(stretches(), ["first", "second", "third", "work"]);
});
