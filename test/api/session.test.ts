import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import {
  Archive,
  ExecutorError,
  type JITLinkMemoryManager,
  ProcessSymbolsGenerator,
  type RemoteExecutorProcessControl,
  RuntimeLibraries,
  readingOpener,
  SharedLibraryGenerator,
  StaticArchiveGenerator,
  UndefinedSymbolsError,
  UsageError,
} from "slablink";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { call, modes, openSession, SLAB_SIZE } from "./modes.ts";

/** An object from C source, as a reader. */
const object = async (text: string) => readingOpener.open(await compile(["gcc", "-O1", "-fPIE"], "part.c", text));

/** A promise and what resolves it. */
function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

async function archive(members: readonly string[]) {
  const directory = freshDirectory();
  const objects = await Promise.all(members.map((text, i) => compile(["gcc", "-O1", "-fPIE"], `m${i}.c`, text)));
  const path = `${directory}/lib.a`;
  await mustRun("ar", ["rcs", path, ...objects]);
  return new StaticArchiveGenerator(Archive.read(readingOpener.open(path), readingOpener.open));
}

/** Memory files of slabs and images that this process holds open or mapped. */
function held(): string[] {
  const open = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
  const mapped = readFileSync("/proc/self/maps", "utf8").split("\n");
  return [...open, ...mapped].filter((line) => line.includes("memfd:slablink"));
}

for (const mode of modes) {
  test(`${mode.name}: what is looked up is linked and runs, and is not linked again`, async () => {
    const { session } = await openSession(mode);
    try {
      const main = session.createJITDylib("main");
      assert.throws(() => session.createJITDylib("main"), UsageError);
      assert.equal(session.getJITDylib("main"), main);
      main.addGenerator(new ProcessSymbolsGenerator());
      main.addObject(await object("#include <stdlib.h>\nint n = 40; int f(void) { return abs(-2) + n++; }"));
      const first = await session.lookup(main, ["f", "n"]);
      assert.equal(await call(session.epc, first.get("f")), 42);
      assert.deepEqual(await session.lookup(main, ["f", "n"]), first);
      assert.equal(await call(session.epc, first.get("f")), 43, "its data is the same as before");
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a job does not wait for another one that is in flight`, async () => {
    const slow = gate();
    const entered = gate();
    const { session } = await openSession(
      mode,
      (manager): JITLinkMemoryManager => ({
        pageSize: manager.pageSize,
        allocate: async (request) => {
          if (request.name === "slow") {
            entered.resolve();
            await slow.promise;
          }
          return manager.allocate(request);
        },
        deallocate: (allocs) => manager.deallocate(allocs),
      }),
    );
    try {
      const dylibs = ["slow", "quick"].map((name) => session.createJITDylib(name));
      dylibs[0].addObject(await object("static int n = 5; int shared_name(void) { return n++; } int only_slow = 3;"));
      dylibs[1].addObject(
        await object("static int n = 60; int shared_name(void) { return n++; } int only_quick[9000];"),
      );
      const first = session.lookup(dylibs[0], ["shared_name"]);
      await entered.promise;
      const second = await session.lookup(dylibs[1], ["shared_name"]);
      assert.equal(await call(session.epc, second.get("shared_name")), 60);
      slow.resolve();
      assert.equal(await call(session.epc, (await first).get("shared_name")), 5);
      assert.equal(await call(session.epc, second.get("shared_name")), 61);
      assert.ok(dylibs[0].find("only_slow") && dylibs[0].find("shared_name"));
      assert.equal(dylibs[0].find("only_quick"), undefined);
      assert.ok(dylibs[1].find("only_quick") && dylibs[1].find("shared_name"));
      assert.equal(dylibs[1].find("only_slow"), undefined);
    } finally {
      slow.resolve();
      await session.endSession();
    }
  });

  test(`${mode.name}: twenty jobs at once all run, one of them wrong`, async () => {
    const { session, manager } = await openSession(mode);
    try {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, async (_, i) => {
          const dylib = session.createJITDylib(`job ${i}`);
          dylib.addGenerator(new ProcessSymbolsGenerator());
          const missing = i === 7 ? "extern int nowhere(void);" : "static int nowhere(void) { return 0; }";
          dylib.addObject(
            await object(`#include <stdlib.h>\n${missing} int f(void) { return abs(-${i}) + nowhere(); }`),
          );
          return call(session.epc, (await session.lookup(dylib, ["f"])).get("f"));
        }),
      );
      const outcomes = results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.code));
      assert.deepEqual(
        outcomes,
        Array.from({ length: 20 }, (_, i) => (i === 7 ? "undefined-symbol" : i)),
      );
      assert.equal(manager.slabs.length, 1);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a removed job's memory is used again, and its names are gone`, async () => {
    const { session, manager } = await openSession(mode);
    try {
      const text = "static int n; int f(void) { return ++n; }";
      const dylib = session.createJITDylib("a");
      dylib.addObject(await object(text));
      const job = await session.link(dylib, ["f"]);
      assert.equal(await call(session.epc, job.address("f")), 1);
      assert.equal(await call(session.epc, job.address("f")), 2);
      await session.remove(job);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
      await assert.rejects(session.lookup(dylib, ["f"]), UndefinedSymbolsError);
      dylib.addObject(await object(text));
      const again = await session.link(dylib, ["f"]);
      assert.equal(again.alloc.address, job.alloc.address);
      assert.equal(await call(session.epc, again.address("f")), 1, "its data is fresh");
      await assert.rejects(session.remove(job), UsageError);
      await session.remove(again);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: jobs that are removed leave those alone that are linked meanwhile`, async () => {
    const { session } = await openSession(mode);
    try {
      const link = async (name: string, value: number) => {
        const dylib = session.createJITDylib(name);
        dylib.addObject(await object(`int n = ${value}; int f(void) { return n; }`));
        return session.link(dylib, ["f"]);
      };
      let jobs = await Promise.all([0, 1, 2, 3].map((i) => link(`first ${i}`, i)));
      for (let round = 1; round <= 8; round++) {
        const [fresh] = await Promise.all([
          Promise.all([0, 1, 2, 3].map((i) => link(`round ${round}, ${i}`, 10 * round + i))),
          ...jobs.map((job) => session.remove(job)),
        ]);
        for (const [i, job] of fresh.entries()) {
          assert.equal(await call(session.epc, job.address("f")), 10 * round + i, `round ${round}, job ${i}`);
        }
        jobs = fresh;
      }
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: names that are not defined here come from the link order, linked before`, async () => {
    const { session } = await openSession(mode);
    try {
      const [user, near, far] = ["user", "near", "far"].map((name) => session.createJITDylib(name));
      near.addObject(await object("int both(void) { return 1; } int n = 5;"));
      far.addObject(await object("int both(void) { return 2; } int only_far(void) { return 30; }"));
      await session.lookup(near, ["both"]);
      await session.lookup(far, ["both", "only_far"]);
      user.addToLinkOrder(near);
      user.addToLinkOrder(far);
      user.addObject(
        await object("extern int n; int both(void), only_far(void); int f(void) { return both() + only_far() + n++; }"),
      );
      const { f } = Object.fromEntries(await session.lookup(user, ["f"]));
      assert.equal(await call(session.epc, f), 36);
      assert.equal(await call(session.epc, f), 37);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: names in the link order are linked when something needs them`, async () => {
    const { session } = await openSession(mode);
    try {
      const [user, library] = ["user", "library"].map((name) => session.createJITDylib(name));
      library.addObject(await object("int n = 1; int next(void) { return n++; }"));
      user.addToLinkOrder(library);
      user.addObject(await object("int next(void); int f(void) { return 10 * next(); }"));
      const { f } = Object.fromEntries(await session.lookup(user, ["f"]));
      assert.equal(await call(session.epc, f), 10);
      const { next } = Object.fromEntries(await session.lookup(library, ["next"]));
      assert.equal(await call(session.epc, next), 2, "one copy for both");
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a library stays for as long as any job uses it`, async (t) => {
    const library = new RuntimeLibraries().find("libz.so.1");
    if (library === undefined) return t.skip("there is no libz.so.1 here");
    const { session } = await openSession(mode);
    try {
      const jobs = [];
      for (const name of ["first", "second"]) {
        const dylib = session.createJITDylib(name);
        dylib.addGenerator(new SharedLibraryGenerator(library, "libz.so.1"));
        dylib.addGenerator(new ProcessSymbolsGenerator());
        dylib.addObject(await object("const char *zlibVersion(void); int f(void) { return zlibVersion()[0]; }"));
        jobs.push(await session.link(dylib, ["f"]));
      }
      assert.equal(await call(session.epc, jobs[0].address("f")), "1".charCodeAt(0));
      await session.remove(jobs[0]);
      assert.equal(await call(session.epc, jobs[1].address("f")), "1".charCodeAt(0));
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: absolute symbols and aliases`, async () => {
    const { session } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("main");
      dylib.define("fixed", 0x1234_5678);
      dylib.alias("other", "f");
      dylib.addObject(
        await object(
          "extern char fixed[]; int f(void) { return (int)(long)fixed; } int other(void); int g(void) { return other() + 1; }",
        ),
      );
      const found = await session.lookup(dylib, ["f", "g", "fixed", "other"]);
      assert.equal(found.get("fixed"), 0x1234_5678);
      assert.equal(found.get("other"), found.get("f"));
      assert.equal(await call(session.epc, found.get("f")), 0x1234_5678);
      assert.equal(await call(session.epc, found.get("g")), 0x1234_5679);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: undefined names are data on the error`, async () => {
    const { session, manager } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("main");
      dylib.addGenerator(new ProcessSymbolsGenerator());
      dylib.addObject(
        await object("int no_such_b(void), no_such_a(void); int f(void) { return no_such_b() + no_such_a(); }"),
      );
      await assert.rejects(session.lookup(dylib, ["f"]), (error) => {
        assert.ok(error instanceof UndefinedSymbolsError);
        assert.equal(error.code, "undefined-symbol");
        const seen = error.symbols.map(({ name, references }) => [name, references.map(({ section }) => section)]);
        assert.deepEqual(seen, [
          ["no_such_a", [".text"]],
          ["no_such_b", [".text"]],
        ]);
        return true;
      });
      assert.equal(manager.slabs[0]?.freeSize ?? SLAB_SIZE, SLAB_SIZE);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a look-up that failed can be repeated when what was missing has been added`, async () => {
    const { session } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("main");
      dylib.addObject(await object("int later(void); int f(void) { return later(); }"));
      await assert.rejects(session.lookup(dylib, ["f"]), UndefinedSymbolsError);
      dylib.addObject(await object("int later(void) { return 8; }"));
      assert.equal(await call(session.epc, (await session.lookup(dylib, ["f"])).get("f")), 8);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: two look-ups in one JITDylib at once share one job's definitions`, async () => {
    const { session } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("main");
      dylib.addObject(await object("static int n = 7; int f(void) { return n++; } int g(void) { return n++; }"));
      const [first, second] = await Promise.all([session.lookup(dylib, ["f"]), session.lookup(dylib, ["g"])]);
      assert.equal(await call(session.epc, first.get("f")), 7);
      assert.equal(await call(session.epc, second.get("g")), 8);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a member of an archive is linked once, by whichever look-up needs it first`, async () => {
    const { session } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("main");
      dylib.addGenerator(
        await archive([
          "int state = 1; int next(void) { return state++; }",
          "int next(void); int a(void) { return next(); }",
          "int next(void); int b(void) { return next(); }",
        ]),
      );
      assert.equal(await call(session.epc, (await session.lookup(dylib, ["a"])).get("a")), 1);
      assert.equal(await call(session.epc, (await session.lookup(dylib, ["b"])).get("b")), 2);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a JITDylib that is removed takes its jobs along, and its name is free again`, async () => {
    const { session, manager } = await openSession(mode);
    try {
      const [dylib, other] = ["again", "other"].map((name) => session.createJITDylib(name));
      for (const [name, value] of [
        ["f", 1],
        ["g", 2],
      ] as const) {
        dylib.addObject(await object(`int ${name}(void) { return ${value}; }`));
        assert.equal(await call(session.epc, (await session.lookup(dylib, [name])).get(name)), value);
      }
      other.addObject(await object("int h(void) { return 3; }"));
      const kept = await session.lookup(other, ["h"]);
      await session.removeJITDylib(dylib);
      assert.equal(session.getJITDylib("again"), undefined);
      assert.throws(() => session.removeJITDylib(dylib), UsageError);
      assert.equal(await call(session.epc, kept.get("h")), 3);
      const fresh = session.createJITDylib("again");
      fresh.addObject(await object("int f(void) { return 4; }"));
      assert.equal(await call(session.epc, (await session.lookup(fresh, ["f"])).get("f")), 4);
      await session.removeJITDylib(other);
      await session.removeJITDylib(fresh);
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a JITDylib is removed after the look-ups in it that have begun`, async () => {
    const { session, manager } = await openSession(mode);
    try {
      const dylib = session.createJITDylib("busy");
      dylib.addObject(await object("int f(void) { return 1; }"));
      const [found] = await Promise.all([session.lookup(dylib, ["f"]), session.removeJITDylib(dylib)]);
      assert.ok(found.has("f"));
      assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: jobs that have been removed hold no memory, descriptors or mappings`, async () => {
    const { session } = await openSession(mode);
    try {
      const counts: number[][] = [];
      const pid = session.epc.kind === "remote" ? (session.epc as RemoteExecutorProcessControl).pid! : process.pid;
      for (let i = 0; i < 60; i++) {
        const dylib = session.createJITDylib(`job ${i}`);
        dylib.addGenerator(new ProcessSymbolsGenerator());
        dylib.addObject(await object(`#include <stdlib.h>\nint n; int f(void) { n++; return abs(-5); }`));
        const job = await session.link(dylib, ["f"]);
        assert.equal(await call(session.epc, job.address("f")), 5);
        assert.equal(job.tables.columns.record, undefined, "its tables are out of the memory that links work in");
        await session.removeJITDylib(dylib);
        const mappings = readFileSync(`/proc/${pid}/maps`, "latin1").split("memfd:slablink").length;
        counts.push([readdirSync(`/proc/${pid}/fd`).length, mappings, held().length]);
      }
      assert.deepEqual(counts[59], counts[10]);
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: what a job costs does not depend on the names of other jobs`, async () => {
    const { session } = await openSession(mode);
    try {
      const sizes: number[] = [];
      for (const names of [1, 2000, 1]) {
        const dylib = session.createJITDylib(`${sizes.length}`);
        const text = Array.from({ length: names }, (_, i) => `int name${sizes.length}_${i} = 1;`).join("\n");
        dylib.addObject(await object(`${text}\nint f(void) { return 1; }`));
        const job = await session.link(dylib, ["f"]);
        sizes.push(job.tables.pool.size);
        // Asking for what is not there leaves the tables of names as they are, except for the question.
        assert.equal(job.address("nowhere"), undefined);
      }
      assert.ok(sizes[1]! > 2000 && sizes[2]! < 100, sizes.join(" "));
    } finally {
      await session.endSession();
    }
  });

  test(`${mode.name}: a session that has ended keeps nothing`, async () => {
    const before = held();
    const { session } = await openSession(mode);
    const dylib = session.createJITDylib("main");
    dylib.addObject(await object("int f(void) { return 1; }"));
    await session.lookup(dylib, ["f"]);
    await session.endSession();
    assert.deepEqual(held(), before);
  });

  test(`${mode.name}: a session that has ended refuses further work`, async () => {
    const { session } = await openSession(mode);
    const dylib = session.createJITDylib("main");
    dylib.addObject(await object("int f(void) { return 1; }"));
    await session.endSession();
    await assert.rejects(session.lookup(dylib, ["f"]), ExecutorError);
  });
}
