import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { compile, ExecutorError, importFunction, instantiate, Session } from "slablink";
import { fileOf } from "../support/source.ts";
import { children, descriptors, memoryMappings } from "./left.ts";
import { everyMode, isolatedModes, modes, openSession } from "./modes.ts";

const module = await compile(
  {
    name: "endings.c",
    source: `
      #include <stdlib.h>
      #include <unistd.h>
      #include <signal.h>
      int count;
      int next(void) { return ++count; }
      __attribute__((noinline)) static int read_from(volatile int *p) { return *p; }
      int crash(int deep) { return deep ? crash(deep - 1) + 1 : read_from((int *)16); }
      void aborts(void) { abort(); }
      void leave(int status) { exit(status); }
      void spin(void) { for (volatile int i = 0;; i++) ; }
      int process(void) { return getpid(); }`,
  },
  { flags: ["-O1", "-g"] },
);
const exports = {
  next: "int next(void)",
  crash: "int crash(int)",
  aborts: "void aborts(void)",
  leave: "void leave(int)",
  spin: "void spin(void)",
  process: "int process(void)",
} as const;

for (const mode of isolatedModes) {
  const open = (options: { restart?: boolean } = {}) => instantiate(module, { ...modes[mode], ...options, exports });

  test(`${mode}: a crash is an error with signal and native frames, and this process goes on`, async () => {
    const instance = await open();
    try {
      const wrong = async (end: Promise<unknown> | (() => unknown)): Promise<ExecutorError> => {
        try {
          await (typeof end === "function" ? end() : end);
        } catch (error) {
          assert.ok(error instanceof ExecutorError, String(error));
          return error;
        }
        assert.fail("it has not failed");
      };
      const waiting = instance.exports.spin();
      const [first, second] = await Promise.all([wrong(instance.exports.crash(1)), wrong(waiting)]);
      assert.equal(first.signal, "SIGSEGV");
      assert.equal(first.code, "executor");
      assert.deepEqual(
        first.frames.map((frame) => [frame.function, basename(frame.file ?? ""), frame.line]),
        [
          ["read_from", "endings.c", 7],
          ["crash", "endings.c", 8],
          ["crash", "endings.c", 8],
        ],
      );
      assert.match(first.message, /SIGSEGV: it read from 0x10/);
      assert.equal(second.signal, "SIGSEGV", "calls that were outstanding fail with the same");
      assert.equal((await wrong(() => instance.exports.next.sync())).signal, "SIGSEGV", "and all later ones");
    } finally {
      await instance.dispose();
    }
  });

  test(`${mode}: an ended executor is told by how it ended`, async () => {
    for (const [name, values, end] of [
      ["leave", [3], { status: 3 }],
      ["aborts", [], { signal: "SIGABRT" }],
    ] as const) {
      const instance = await open();
      const call = (instance.exports[name] as (...values: readonly unknown[]) => Promise<unknown>)(...values);
      await assert.rejects(call, (error: ExecutorError) => {
        assert.deepEqual({ ...error.end, crash: undefined }, { ...end, crash: undefined });
        return true;
      });
      await instance.dispose();
    }
  });

  test(`${mode}: with restart the next call has another executor, and variables their first values`, async () => {
    const instance = await open({ restart: true });
    try {
      const before = await instance.exports.process();
      assert.equal(await instance.exports.next(), 1);
      assert.equal(await instance.exports.next(), 2);
      await assert.rejects(instance.exports.crash(0), { signal: "SIGSEGV" });
      assert.equal(await instance.exports.next(), 1);
      assert.notEqual(await instance.exports.process(), before);
      await instance.session.restart();
      assert.equal(await instance.exports.next(), 1);
    } finally {
      await instance.dispose();
    }
  });

  test(`${mode}: code that runs on is stopped by a signal or a time limit`, async () => {
    const instance = await open({ restart: true });
    try {
      const { spin, next } = instance.exports;
      const reason = new Error("enough");
      await assert.rejects(spin.with({ signal: AbortSignal.abort(reason) })(), reason);
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 30);
      await assert.rejects(spin.with({ signal: controller.signal })(), reason);
      assert.equal(await next(), 1);
      await assert.rejects(spin.with({ timeout: 30 })(), { name: "TimeoutError" });
      assert.equal(await next(), 1);
      if (mode === "isolated") {
        assert.throws(() => spin.with({ timeout: 30 }).sync(), { name: "TimeoutError" });
        assert.equal(await next(), 1);
      }
      assert.equal(await next.with({ timeout: 10_000 })(), 2, "a call that is in time is none the wiser");
    } finally {
      await instance.dispose();
    }
  });
}

for (const mode of isolatedModes) {
  /** `a` and `b` in a session; the constructor of `a` fails when `fails` says so. */
  const openPair = async (options: { restart: boolean }) => {
    const session = await Session.open({ ...modes[mode], ...options });
    const state = { fails: false, runs: 0 };
    const begin = importFunction("void begin(void)", () => {
      state.runs++;
      if (state.fails) throw new Error("not now");
    });
    const source = `
      void begin(void);
      __attribute__((constructor)) static void c(void) { begin(); }
      int crash(void) { return *(volatile int *)16; }`;
    const a = await instantiate(
      { name: "a.c", source },
      { session, exports: { crash: "int crash(void)" }, imports: { begin } },
    );
    const b = await instantiate(
      { name: "b.c", source: "int t[4]; int add(int x) { return x + 2; }" },
      { session, exports: { add: "int add(int)" }, replaceable: true },
    );
    return { session, state, a, b };
  };

  test(`${mode}: a restart that fails leaves the session ended, with the reason, and the next call tries again`, async () => {
    const { session, state, a, b } = await openPair({ restart: true });
    const before = children();
    state.fails = true;
    await assert.rejects(a.exports.crash(), { signal: "SIGSEGV" });
    await assert.rejects(b.exports.add(1), { message: "not now" });
    assert.equal(session.hasEnded, true);
    assert.equal(children().length, before.length - 1, "what had been started is ended");
    const refused = { code: "executor", message: /the executor could not be started again: not now$/ };
    assert.throws(() => b.view("t", Int32Array), refused);
    assert.throws(() => b.view(4096, Int32Array, 1), refused);
    assert.throws(() => b.address("t"), refused);
    assert.throws(() => b.function("add", "int add(int)"), refused);
    assert.throws(() => b.function(4096, "int add(int)"), refused);
    const callback = b.callback("void f(void)", () => {});
    await assert.rejects(callback, refused);
    state.fails = false;
    assert.equal(await b.exports.add(1), 3);
    assert.equal(session.hasEnded, false);
    assert.equal(state.runs, 3);
    assert.equal(b.view("t", Int32Array).length, 4);
    await session.dispose();
  });

  test(`${mode}: without restart, a restart that has failed is the reason until another one works`, async () => {
    const { session, state, b } = await openPair({ restart: false });
    state.fails = true;
    await assert.rejects(session.restart(), { message: "not now" });
    await assert.rejects(b.exports.add(1), { code: "executor", message: /could not be started again: not now$/ });
    assert.equal(state.runs, 2, "nothing has been tried");
    state.fails = false;
    await session.restart();
    assert.equal(await b.exports.add(1), 3);
    await session.dispose();
  });

  test(`${mode}: what is linked, allocated or replaced in a session that has crashed waits for its next executor`, async () => {
    const { session, a, b } = await openPair({ restart: true });
    const module = await compile({ name: "three.c", source: "int three(void) { return 3; }" });
    const exports = { three: "int three(void)" } as const;
    const replaced = { name: "b.c", source: "int t[4]; int add(int x) { return x + 20; }" };
    for (const end of [() => a.exports.crash().catch(() => {}), () => void session.restart()]) {
      await end();
      const allocated = await session.allocate(Int32Array, 4);
      assert.equal(allocated.length, 4);
      await end();
      const instance = await instantiate(module, { session, exports });
      assert.equal(await instance.exports.three(), 3);
      await instance.dispose();
      await end();
      await b.replace(replaced);
      assert.equal(await b.exports.add(1), 21);
    }
    await session.dispose();
  });
}

test("in this process nothing that runs can be stopped, and that is said", async () => {
  const instance = await instantiate(module, { exports });
  try {
    assert.equal("with" in instance.exports.spin, false);
    await assert.rejects(instance.session.restart(), { code: "usage" });
  } finally {
    await instance.dispose();
  }
});

for (const mode of everyMode) {
  test(`${mode}: a hundred instances in one session, disposed of, leave nothing`, async () => {
    const session = await openSession(mode);
    const first = await instantiate(module, { session, exports });
    await first.exports.next.async(); // opens what calls on threads of their own need
    await first.dispose();
    const [fds, before] = [descriptors(), memoryMappings()];
    const addresses = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const instance = await instantiate(module, { session, exports });
      assert.equal(await instance.exports.next.async(), 1);
      addresses.add(instance.address("next"));
      await instance.dispose();
    }
    assert.ok(addresses.size < 10, `${addresses.size} places`);
    assert.ok(descriptors() <= fds + 2, `${descriptors()} descriptors, ${fds} before`);
    assert.ok(memoryMappings() <= before + 4, `${memoryMappings()} mappings, ${before} before`);
    await session.dispose();
  });
}

test("memory of an executor that has ended a moment ago is refused for that reason, and dispose goes on", async () => {
  const instance = await instantiate(module, { isolated: true, exports });
  const executor = await instance.exports.process();
  const [environ = 0] = await instance.session.execution.epc.resolve(0, ["environ"]);
  const { memory } = instance;
  process.kill(executor, "SIGKILL");
  const readOn = () => {
    // Nobody is told of the end as long as nothing is waited for.
    for (;;) memory.read(environ, 8);
  };
  assert.throws(readOn, { code: "executor", message: /process \d+ has ended$/ });
  await instance.dispose();
});

test("sessions that are disposed of leave no process", async () => {
  const before = children();
  const instances = await Promise.all(isolatedModes.map((mode) => instantiate(module, { ...modes[mode], exports })));
  assert.equal(children().length, before.length + instances.length);
  await Promise.all(instances.map((instance) => instance.dispose()));
  assert.deepEqual(children(), before);
});

for (const mode of everyMode) {
  test(`${mode}: a program that disposes of nothing ends by itself, and its executor with it`, () => {
    const program = `
      import { instantiate } from ${JSON.stringify(import.meta.resolve("slablink"))};
      const object = { name: "p.c", source: "int getpid(void); int process(void) { return getpid(); }" };
      const instance = await instantiate(object, { ...${JSON.stringify(modes[mode])}, exports: { process: "int process(void)" } });
      console.log(await instance.exports.process.async());`;
    const { status, stdout, stderr } = spawnSync(process.execPath, [fileOf("program.mjs", program)], {
      timeout: 60_000,
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const pid = Number(stdout);
    assert.ok(pid > 0);
    const isOver = (): boolean => {
      try {
        return !readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("slablink");
      } catch {
        return true;
      }
    };
    for (const end = Date.now() + 2_000; !isOver(); ) assert.ok(Date.now() < end, "the executor lives on");
  });
}

test("destructors and what atexit() was given run when an instance is disposed of", async () => {
  const session = await Session.open();
  const log = await instantiate(
    { name: "log.c", source: "char log[64]; int at; void add(char c) { log[at++] = c; }" },
    { session },
  );
  const instance = await instantiate(
    {
      name: "ends.c",
      source: `
        #include <stdlib.h>
        void add(char);
        static void at_exit(void) { add('x'); }
        __attribute__((constructor)) static void begin(void) { add('c'); atexit(at_exit); }
        __attribute__((destructor)) static void end(void) { add('d'); }`,
    },
    { session, imports: { add: log.address("add") } },
  );
  const text = () => Buffer.from(log.view("log", Uint8Array)).toString("latin1").replace(/\0+$/, "");
  assert.equal(text(), "c");
  await instance.dispose();
  assert.equal(text(), "cxd");
  await instance.dispose();
  assert.equal(text(), "cxd", "once");
  await session.dispose();
});
