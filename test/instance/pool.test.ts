import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import {
  compile,
  createPool,
  type ExecutorError,
  executorPath,
  importFunction,
  instantiate,
  type PoolStats,
} from "slablink";
import { fileOf } from "../support/source.ts";
import { children, descriptors, memoryMappings } from "./left.ts";

const module = await compile(
  {
    name: "pool.c",
    source: `
      #include <stdlib.h>
      #include <string.h>
      #include <sys/mman.h>
      #include <unistd.h>
      int count, started;
      static char text[] = "text";
      static const char *const place = text;
      __attribute__((constructor)) static void start(void) { started = getpid(); }
      int next(void) { return ++count; }
      int process(void) { return getpid(); }
      int was_started_here(void) { return started == getpid(); }
      int rest(int milliseconds) { usleep(1000 * milliseconds); return getpid(); }
      __attribute__((noinline)) static int read_from(volatile int *p) { return *p; }
      int crash(int deep) { return deep ? crash(deep - 1) + 1 : read_from((int *)16); }
      int data(void) { return strcmp(place, "text") == 0; }
      void *library(void) { return (void *)&strdup; }
      long sum(const int *values, long from, long to) {
        long sum = 0;
        for (long i = from; i < to; i++) sum += values[i];
        return sum;
      }
      void *address(void *at) { return at; }
      /* Changes its own code: mov eax, imm32; ret */
      __attribute__((aligned(4096))) int constant(void) { return 0x1234; }
      __attribute__((aligned(4096))) int patch(void) {
        unsigned char *code = (unsigned char *)&constant;
        if (mprotect(code, 4096, PROT_READ | PROT_WRITE)) return -1;
        memcpy(code, "\\xb8\\x01\\0\\0\\0\\xc3", 6);
        return mprotect(code, 4096, PROT_READ | PROT_EXEC);
      }`,
  },
  { flags: ["-O1", "-g"] },
);

const exports = {
  next: "int next(void)",
  process: "int process(void)",
  was_started_here: "int was_started_here(void)",
  rest: "int rest(int)",
  crash: "int crash(int)",
  data: "int data(void)",
  library: "void *library(void)",
  sum: "long sum(const int *, long, long)",
  address: "void *address(void *)",
  constant: "int constant(void)",
  patch: "int patch(void)",
} as const;

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Waits until a pool has as many executors as it is to have, counted from its start. */
async function executorsOf(pool: { readonly stats: PoolStats }, count: number): Promise<void> {
  while (pool.stats.copied + pool.stats.linked < count) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ways = { "shared memory": {}, messages: { memory: "rpc" } } as const;

for (const [way, options] of Object.entries(ways)) {
  test(`${way}: a module is linked once and copied to the others, where it starts as in the first`, async () => {
    await using pool = await createPool(module, { size: 4, exports, ...options });
    assert.deepEqual(pool.stats, { copied: 3, linked: 1 });
    assert.equal(pool.size, 4);
    const everywhere = <T>(call: (member: (typeof pool.members)[number]) => Promise<T>) =>
      Promise.all(pool.members.map(call));
    assert.equal(new Set(await everywhere(({ exports }) => exports.process())).size, 4, "four processes");
    assert.deepEqual(await everywhere(({ exports }) => exports.was_started_here()), [1, 1, 1, 1]);
    assert.deepEqual(await everywhere(({ exports }) => exports.data()), [1, 1, 1, 1]);
    assert.equal(new Set(await everywhere(({ exports }) => exports.library())).size, 1, "libraries lie alike");
    // Variables are each one's own.
    assert.deepEqual(await everywhere(({ exports }) => exports.next()), [1, 1, 1, 1]);
    assert.equal(await pool.members[3].exports.next(), 2);
    assert.equal(await pool.members[2].exports.next(), 2);
    if (way === "shared memory") {
      assert.deepEqual(
        pool.members.map((member) => member.view("count", Int32Array)[0]),
        [1, 1, 2, 2],
      );
      pool.members[1].view("count", Int32Array)[0] = 40;
      assert.equal(await pool.members[1].exports.next(), 41);
    }
    assert.equal(new Set(pool.members.map((member) => member.address("count"))).size, 1);
  });

  test(`${way}: a C++ program is copied with its exceptions, thread-locals, indirect functions and the library's data`, async () => {
    const source = `
      #include <iostream>
      #include <map>
      #include <sstream>
      #include <stdexcept>
      #include <string>
      static std::map<std::string, int> table{{"one", 1}, {"two", 2}};
      thread_local int own = 7;
      thread_local std::string text = "seven";
      struct Base { virtual ~Base() {} virtual int value() { return 1; } };
      struct Derived : Base { int value() override { return 2; } };
      extern "C" {
      int caught(int x) {
        try { if (x) throw std::runtime_error("large"); return 0; }
        catch (const std::exception &error) { return std::string(error.what()).size(); }
      }
      int local(void) { return ++own + text.size(); }
      int look(void) { return table.at("two"); }
      int cast(void) { Base *base = new Derived; int found = dynamic_cast<Derived *>(base)->value(); delete base; return found; }
      int stream(void) { std::ostringstream out; out << 12.5; return out.str() == "12.5" && std::cout.good(); }
      static int fast(void) { return 11; }
      int (*choose(void))(void) { return fast; }
      int chosen(void) __attribute__((ifunc("choose")));
      int call_chosen(void) { return chosen(); }
      int (*volatile pointer)(void) = chosen;
      int call_pointer(void) { return pointer(); }
      }`;
    for (const flags of [["-O1"], ["-O1", "-fno-pic", "-mcmodel=small"]]) {
      const names = ["local", "look", "cast", "stream", "call_chosen", "call_pointer"] as const;
      const signatures = Object.fromEntries(names.map((name) => [name, "int(void)"]));
      await using pool = await createPool(
        { name: "pool.cc", source },
        { size: 3, flags, exports: { ...signatures, caught: "int(int)" }, ...options },
      );
      assert.deepEqual(pool.stats, { copied: 2, linked: 1 }, flags.join(" "));
      for (const { exports } of pool.members as readonly {
        exports: Record<string, (...values: number[]) => unknown>;
      }[]) {
        assert.equal(await exports.caught(1), 5);
        assert.deepEqual(await Promise.all(names.map((name) => exports[name]())), [13, 2, 2, 1, 11, 11]);
      }
    }
  });

  test(`${way}: objects that use a shared library are copied, and find it where it was`, async () => {
    const source = `#include <zlib.h>
      unsigned long check(const char *text) { return crc32(0, (const unsigned char *)text, 3); }
      const char *version(void) { return zlibVersion(); }`;
    await using pool = await createPool([{ name: "z.c", source }, "-lz"], {
      size: 3,
      exports: { check: "unsigned long check(const char *)", version: "const char *version(void)" },
      ...options,
    });
    assert.deepEqual(pool.stats, { copied: 2, linked: 1 });
    for (const { exports } of pool.members) {
      assert.equal(await exports.check("abc"), 0x352441c2);
      assert.match((await exports.version())!, /^1\./);
    }
  });

  test(`${way}: JavaScript that copied code calls is called by each`, async () => {
    const asked: number[] = [];
    await using pool = await createPool(
      {
        name: "ask.c",
        source: "int host(int); int ask(int x) { return host(x) + 1; } int given; int *at(void) { return &given; }",
      },
      {
        size: 3,
        imports: { host: importFunction("int(int)", (x) => asked.push(x) && 2 * x) },
        exports: { ask: "int ask(int)" },
        ...options,
      },
    );
    assert.deepEqual(pool.stats, { copied: 2, linked: 1 });
    assert.deepEqual(await Promise.all(times(6, (i) => pool.exports.ask(i))), [1, 3, 5, 7, 9, 11]);
    assert.deepEqual(asked.sort(), [0, 1, 2, 3, 4, 5]);
  });
}

test("a module with more thread-locals than a process has room for is copied too, once that has been found out", async () => {
  const source = "_Thread_local char room[20000]; int fill(int c) { room[19999] = c; return room[19999] + room[0]; }";
  await using pool = await createPool(
    { name: "room.c", source },
    { size: 3, flags: ["-O1", "-ftls-model=initial-exec"], exports: { fill: "int fill(int)" } },
  );
  assert.deepEqual(pool.stats, { copied: 2, linked: 1 });
  for (const { exports } of pool.members) assert.equal(await exports.fill(5), 5);
});

test("calls go to the executor with the fewest outstanding, and to each in its turn", async () => {
  await using pool = await createPool(module, { size: 3, exports });
  const busy = await Promise.all(times(3, () => pool.exports.rest(30)));
  assert.equal(new Set(busy).size, 3);
  const [slow, ...quick] = [pool.exports.rest(200), ...times(2, () => pool.exports.rest(1))];
  const others = new Set(await Promise.all(quick));
  for (const pid of await Promise.all(times(2, () => pool.exports.rest(1)))) assert.ok(others.has(pid));
  for (let i = 0; i < 6; i++) assert.ok(others.has(await pool.exports.process()), "never to the one that is at work");
  assert.ok(!others.has(await slow));
  const inTurn: number[] = [];
  for (let i = 0; i < 6; i++) inTurn.push(await pool.exports.process());
  assert.deepEqual(inTurn.slice(0, 3), inTurn.slice(3));
  assert.equal(new Set(inTurn).size, 3);
  assert.equal(new Set(times(6, () => pool.exports.process.sync())).size, 3);
  assert.equal(new Set(await Promise.all(times(6, () => pool.exports.process.async()))).size, 3);
});

test("a crash in one fails its own calls only, with frames, and a copy takes its place", async () => {
  await using pool = await createPool(module, { size: 3, exports });
  const others = [pool.exports.rest(100), pool.exports.rest(100)];
  await assert.rejects(pool.exports.crash(1), (error: ExecutorError) => {
    assert.equal(error.signal, "SIGSEGV");
    assert.deepEqual(
      error.frames.map((frame) => [frame.function, basename(frame.file ?? ""), frame.line]),
      [
        ["read_from", "pool.c", 14],
        ["crash", "pool.c", 15],
        ["crash", "pool.c", 15],
      ],
    );
    return true;
  });
  assert.equal(new Set(await Promise.all(others)).size, 2);
  await executorsOf(pool, 4);
  assert.deepEqual(pool.stats, { copied: 3, linked: 1 });
  const pids = await Promise.all(times(3, () => pool.exports.rest(20)));
  assert.equal(new Set(pids).size, 3, "there are three again");
  assert.deepEqual(await Promise.all(pool.members.map(({ exports }) => exports.was_started_here())), [1, 1, 1]);
});

test("a time limit ends one executor of several", async () => {
  await using pool = await createPool(module, { size: 2, exports });
  const other = pool.exports.rest(150);
  await assert.rejects(pool.exports.rest.with({ timeout: 20 })(10_000), { name: "TimeoutError" });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await executorsOf(pool, 3);
  await assert.rejects(pool.exports.rest.with({ signal: controller.signal })(10_000), /enough/);
  assert.ok((await other) > 0);
  assert.ok((await pool.exports.rest.with({ timeout: 10_000 })(1)) > 0);
});

test("with one executor a call waits for its successor", async () => {
  await using pool = await createPool(module, { size: 1, exports });
  assert.equal(await pool.exports.next(), 1);
  await assert.rejects(pool.exports.crash(0), { signal: "SIGSEGV" });
  assert.equal(await pool.exports.next(), 1);
  assert.deepEqual(pool.stats, { copied: 1, linked: 1 });
});

test("a pool grows by copies, and shrinks when the calls there have been answered", async () => {
  const before = children();
  await using pool = await createPool(module, { size: 1, exports });
  await pool.resize(4);
  assert.deepEqual(pool.stats, { copied: 3, linked: 1 });
  assert.equal(children().length, before.length + 4);
  const calls = times(4, () => pool.exports.rest(100));
  await pool.resize(1);
  assert.equal(pool.size, 1);
  assert.equal(new Set(await Promise.all(calls)).size, 4);
  assert.equal(children().length, before.length + 1);
  assert.ok((await pool.exports.process()) > 0);
  for (const size of [0, 1.5, -1, Number.NaN]) await assert.rejects(pool.resize(size), RangeError);
});

test("a pool that is disposed of does not wait for calls of executors that are to end", async () => {
  const pool = await createPool(module, { size: 2, exports });
  const calls = times(2, () => pool.exports.rest(60_000));
  for (const call of calls) call.catch(() => {});
  const resized = pool.resize(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await pool.dispose();
  await resized;
  for (const call of calls) await assert.rejects(call, { code: "executor" });
});

test("a crash that is under way is its call's error, neither that of dispose nor of resize", async () => {
  for (let i = 0; i < 4; i++) {
    const pool = await createPool(module, { size: 2, exports });
    const crashes = [pool.exports.crash(0), pool.exports.crash(0)];
    const told = Promise.all(crashes.map((crash) => assert.rejects(crash, { code: "executor" })));
    for (let turn = 0; turn < i; turn++) await new Promise(setImmediate);
    await Promise.all([pool.dispose(), pool.dispose()]);
    await told;
  }
});

test("members that leave in a crash do not keep a pool from growing", async () => {
  const source = `
    int kind;
    void arm(void) { kind = 1; }
    __attribute__((destructor)) static void end(void) { if (kind) *(volatile int *)16 = 1; }`;
  const pool = await createPool({ name: "leaves.c", source }, { size: 2, exports: { arm: "void arm(void)" } });
  await pool.members[1]!.exports.arm();
  const [shrunk, grown] = [pool.resize(1), pool.resize(3)];
  await Promise.all([shrunk, grown]);
  assert.equal(pool.size, 3);
  await pool.members[0]!.exports.arm();
  await assert.rejects(pool.dispose(), { signal: "SIGSEGV" });
  await assert.rejects(pool.dispose(), { signal: "SIGSEGV" });
});

test("a pool's members end with it alone", async () => {
  const pool = await createPool(module, { size: 2, exports });
  const [member] = pool.members;
  await assert.rejects(member!.dispose(), {
    code: "usage",
    message: /^pool\.c: dispose: .*resize or dispose of the pool/,
  });
  await assert.rejects(member!.session.dispose(), { code: "usage" });
  assert.equal(await member!.exports.next(), 1);
  const added = await instantiate({ name: "added.c", source: "int added;" }, { session: member!.session });
  await added.dispose();
  await pool.dispose();
  await assert.rejects(member!.session.restart(), { code: "executor", message: "the session has ended" });
  const [sized, allocated] = [pool.resize(1), pool.allocate(Int32Array, 1)];
  await assert.rejects(sized, { code: "usage" });
  await assert.rejects(allocated, { code: "usage" });
});

test("what one executor writes over its code is not the others'", async () => {
  await using pool = await createPool(module, { size: 3, exports });
  assert.equal(await pool.members[1].exports.patch(), 0);
  const constants = await Promise.all(pool.members.map(({ exports }) => exports.constant()));
  assert.deepEqual(constants, [0x1234, 1, 0x1234]);
  await pool.resize(4);
  assert.equal(await pool.members[3].exports.constant(), 0x1234);
});

test("memory for all executors lies at one address in each, also in those that come later", async () => {
  await using pool = await createPool(module, { size: 2, exports });
  const [small, large] = [await pool.allocate(Int32Array, 100), await pool.allocate(Int32Array, 3_000_000)];
  for (const array of [small, large]) {
    assert.ok(array.every((value) => value === 0));
    array.fill(2);
    const addresses = await Promise.all(pool.members.map(({ exports }) => exports.address(array)));
    assert.equal(new Set(addresses).size, 1);
  }
  const parts = times(3, (i) => pool.exports.sum(large, i * 1_000_000, (i + 1) * 1_000_000));
  assert.deepEqual(await Promise.all(parts), [2_000_000, 2_000_000, 2_000_000]);
  await pool.resize(3);
  await assert.rejects(pool.members[0].exports.crash(0));
  await pool.exports.process();
  await executorsOf(pool, 4);
  small[99] = 5;
  assert.deepEqual(await Promise.all(pool.members.map(({ exports }) => exports.sum(small, 0, 100))), [203, 203, 203]);
  const places = await Promise.all(pool.members.map(({ exports }) => exports.address(small)));
  assert.deepEqual(new Set(places), new Set([pool.members[0].memory.addressOf(small)]));
  await pool.free(large);
  assert.equal(large.length, 0);
  await assert.rejects(pool.free(large), { code: "usage" });
  const again = await pool.allocate(Float64Array, 1_000_000);
  assert.ok(again.every((value) => value === 0));
  const own = await pool.members[0].session.allocate(Int32Array, 10);
  assert.equal(await pool.members[0].exports.sum(own, 0, 10), 0);
  await pool.dispose();
  assert.equal(small.length, 0);
});

test("memory for all is refused where it would have to travel in messages", async () => {
  await using pool = await createPool(module, { size: 1, exports, memory: "rpc" });
  await assert.rejects(pool.allocate(Int8Array, 10), { code: "usage" });
});

test("each executor is a session: other modules are linked into it, and taken out", async () => {
  await using pool = await createPool(module, { size: 2, exports });
  const other = { name: "other.c", source: "int process(void); int twice(void) { return 2 * process(); }" };
  for (const { session, address, exports } of pool.members.map((member) => ({
    session: member.session,
    exports: member.exports,
    address: member.address("process"),
  }))) {
    const options = { session, imports: { process: address }, exports: { twice: "int twice(void)" } } as const;
    const instance = await instantiate(other, options);
    assert.equal(await instance.exports.twice(), 2 * (await exports.process()));
    await instance.dispose();
  }
});

test("executors whose libraries lie elsewhere are linked into", async () => {
  // setarch gives a program the kernel's own choice of addresses, whatever it was started with.
  const script = fileOf("executor.sh", `#!/bin/sh\nexec setarch x86_64 "${executorPath()}" "$@"\n`);
  chmodSync(script, 0o755);
  await using pool = await createPool(module, { size: 3, exports, executor: script });
  assert.deepEqual(pool.stats, { copied: 0, linked: 3 });
  assert.deepEqual(await Promise.all(pool.members.map(({ exports }) => exports.was_started_here())), [1, 1, 1]);
  const libraries = await Promise.all(pool.members.map(({ exports }) => exports.library()));
  assert.ok(new Set(libraries).size > 1, "they do lie elsewhere");
});

test("the program's children have addresses of the kernel's choice again", async () => {
  await using pool = await createPool(
    {
      name: "personality.c",
      source: "#include <sys/personality.h>\nint persona(void) { return personality(0xffffffff) & ADDR_NO_RANDOMIZE; }",
    },
    { size: 2, exports: { persona: "int persona(void)" } },
  );
  for (const { exports } of pool.members) assert.equal(await exports.persona(), 0);
});

test("a pool that cannot be made is an error, and leaves nothing", async () => {
  const before = [children(), descriptors()];
  await assert.rejects(createPool(module, { size: 0, exports }), /a pool of 0: it has at least 1 executor/);
  await assert.rejects(
    createPool({ name: "u.c", source: "int missing(void); int f(void) { return missing(); }" }, { size: 2 }),
    { code: "undefined-symbol" },
  );
  const crashes = "__attribute__((constructor)) static void start(void) { *(volatile int *)8 = 1; }";
  await assert.rejects(createPool({ name: "c.c", source: crashes }, { size: 2 }), { signal: "SIGSEGV" });
  assert.deepEqual([children(), descriptors()], before);
});

test("a pool that is disposed of leaves no process, descriptor or mapping", async () => {
  const use = async (): Promise<void> => {
    const pool = await createPool(module, { size: 3, exports });
    await pool.allocate(Int32Array, 10);
    await pool.exports.next();
    await assert.rejects(pool.exports.crash(0));
    await pool.exports.next();
    const waiting = pool.exports.rest(10_000);
    waiting.catch(() => {});
    await pool.dispose();
    await assert.rejects(waiting, { code: "executor" });
    await assert.rejects(pool.exports.next(), { code: "usage" });
    await assert.rejects(pool.allocate(Int32Array, 1), { code: "usage" });
    await pool.dispose();
  };
  await use();
  const before = [children(), descriptors(), memoryMappings(), readdirSync("/dev/shm").length];
  for (let i = 0; i < 3; i++) await use();
  assert.deepEqual([children(), descriptors(), memoryMappings(), readdirSync("/dev/shm").length], before);
});

test("executors have the same pages of code", async () => {
  await using pool = await createPool(module, { size: 3, exports });
  const mappings = await Promise.all(
    pool.members.map(async ({ exports }) => {
      const pid = await exports.process();
      const at = pool.members[0].address("process");
      const line = readFileSync(`/proc/${pid}/maps`, "utf8")
        .split("\n")
        .find((each) => {
          const [start, end] = each
            .split(" ")[0]
            .split("-")
            .map((word) => Number.parseInt(word, 16));
          return at >= start && at < end;
        })!;
      const [range, protection, offset, device, inode] = line.split(/ +/);
      assert.equal(protection, "r-xp");
      return [range, offset, device, inode].join(" ");
    }),
  );
  assert.equal(new Set(mappings).size, 1, mappings.join("\n"));
});
