import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  Archive,
  ByteReader,
  type ExecutionSession,
  RemoteExecutorProcessControl,
  type SlabMemoryManager,
  StaticArchiveGenerator,
  StillReferencedError,
  UsageError,
} from "slablink";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { bothModes, inSession, object } from "./session-of.ts";

/** Memory files of slabs and images that are mapped here and in an executor. */
function mappings({ epc }: ExecutionSession): number[] {
  const pids = ["self", ...(epc instanceof RemoteExecutorProcessControl ? [epc.pid!] : [])];
  return pids.map((pid) => readFileSync(`/proc/${pid}/maps`, "utf8").split("memfd:slablink").length - 1);
}

for (const mode of bothModes) {
  describe(`${mode.name}: what a tracker stands for`, () => {
    test("is gone when it is removed, and can be defined again in the same place", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addObject(await object("int stays(void) { return 7; }"));
        const tracker = main.createResourceTracker();
        main.addObject(await object("int goes(void) { return 1; }"), { tracker });
        const first = (await session.lookup(main, ["goes"])).get("goes");
        assert.equal(await run("goes"), 1);
        await tracker.remove();
        await tracker.remove();
        assert.equal(tracker.isRemoved, true);
        await assert.rejects(run("goes"), { code: "undefined-symbol" });
        assert.equal(await run("stays"), 7);
        assert.throws(() => main.addObject(ByteReader.of(new Uint8Array(), "late.o"), { tracker }), UsageError);
        const again = main.createResourceTracker();
        main.addObject(await object("int goes(void) { return 2; }"), { tracker: again });
        assert.equal(await run("goes"), 2);
        assert.equal(main.find("goes"), first, "its memory is used again");
      }));

    test("a thousand times over leaves nothing behind", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        const reader = await object("static int n[1000]; int f(void) { return ++n[3]; }");
        const { slabs } = session.memoryManager as SlabMemoryManager;
        let before: unknown;
        const addresses = new Set<number>();
        for (let i = 0; i < 1000; i++) {
          const tracker = main.createResourceTracker();
          main.addObject(reader, { tracker });
          addresses.add((await session.lookup(main, ["f"])).get("f")!);
          await tracker.remove();
          if (i === 10) before = [mappings(session), slabs[0]!.freeSize, slabs.length];
        }
        assert.equal(addresses.size, 1);
        assert.deepEqual([mappings(session), slabs[0]!.freeSize, slabs.length], before);
        assert.equal([...session.jobs()].length, 0);
      }));

    test("is not removed while code that stays refers to it, unless by force", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const [user, used] = [main.createResourceTracker(), main.createResourceTracker()];
        main.addObject(await object("int used(void); int user(void) { return used() + 1; }", "user.o"), {
          tracker: user,
        });
        main.addObject(await object("int used(void) { return 4; } int other;", "used.o"), { tracker: used });
        assert.equal(await run("user"), 5);
        assert.equal([...session.jobs()].length, 2);
        await assert.rejects(used.remove(), (error) => {
          assert.ok(error instanceof StillReferencedError);
          assert.match(
            error.message,
            /^cannot remove used\.o: code that stays refers to it\n>>> used referenced by user\.o$/,
          );
          assert.deepEqual(error.references, [{ objects: ["user.o"], names: ["used"] }]);
          return true;
        });
        assert.equal(await run("user"), 5, "nothing has been removed");
        await user.remove();
        await used.remove();
        assert.equal([...session.jobs()].length, 0);

        const [one, two] = [main.createResourceTracker(), main.createResourceTracker()];
        main.addObject(await object("int used(void); int user(void) { return used() + 1; }", "user.o"), {
          tracker: one,
        });
        main.addObject(await object("int used(void) { return 5; }", "used.o"), { tracker: two });
        assert.equal(await run("user"), 6);
        await two.remove({ force: true });
        await assert.rejects(run("used"), { code: "undefined-symbol" });
        await one.remove();
        assert.equal([...session.jobs()].length, 0);
      }));

    test("and for others with it in a circle shares their memory until the last of them goes", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const [odd, even] = [main.createResourceTracker(), main.createResourceTracker()];
        const text = (own: string, other: string, end: number) =>
          `int ${other}(int n); int ${own}(int n) { return n == 0 ? ${end} : ${other}(n - 1); } int ask_${own}(void) { return ${own}(7); }`;
        main.addObject(await object(text("odd", "even", 0), "odd.o"), { tracker: odd });
        main.addObject(await object(text("even", "odd", 1), "even.o"), { tracker: even });
        assert.deepEqual([await run("ask_odd"), await run("ask_even")], [1, 0]);
        assert.equal([...session.jobs()].length, 1);
        await odd.remove();
        await assert.rejects(run("ask_odd"), { code: "undefined-symbol" });
        assert.equal(await run("ask_even"), 0);
        assert.equal([...session.jobs()].length, 1);
        await even.remove();
        assert.equal([...session.jobs()].length, 0);
      }));

    test("is forgotten when it goes before it was linked", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const tracker = main.createResourceTracker();
        main.addObject(await object("int broken(void); int f(void) { return broken(); }"), { tracker });
        main.addObject(await object("int g(void) { return 3; }"));
        await assert.rejects(run("g"), { code: "undefined-symbol" });
        await tracker.remove();
        assert.equal(await run("g"), 3);
      }));

    test("leaves members of archives, and what has no tracker, to the default one", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const path = `${freshDirectory()}/lib.a`;
        const member = await compile(
          ["gcc", "-O1", "-fPIE"],
          "member.c",
          "static int n = 10; int member(void) { return n++; }",
        );
        await mustRun("ar", ["rcs", path, member]);
        main.addGenerator(new StaticArchiveGenerator(Archive.read(ByteReader.of(readFileSync(path), "lib.a"))));
        const [one, two] = [main.createResourceTracker(), main.createResourceTracker()];
        const user = (name: string) => object(`int member(void); int ${name}(void) { return member(); }`, `${name}.o`);
        main.addObject(await user("one"), { tracker: one });
        assert.equal(await run("one"), 10);
        main.addObject(await user("two"), { tracker: two });
        await one.remove();
        assert.equal(await run("two"), 11, "the member stayed as it was");
        await assert.rejects(main.defaultResourceTracker.remove(), StillReferencedError);
        await two.remove();
        await main.defaultResourceTracker.remove();
        assert.equal([...session.jobs()].length, 0);
        assert.equal(main.defaultResourceTracker.isRemoved, false);
        assert.equal(await run("member"), 10, "linked once more");
      }));

    test("keeps its own copy of a function that others have too", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const text = (name: string) =>
          `__attribute__((weak, noinline)) int copy(void) { return 20; } int ${name}(void) { return copy() + 1; }`;
        const [one, two] = [main.createResourceTracker(), main.createResourceTracker()];
        main.addObject(await object(text("one")), { tracker: one });
        assert.equal(await run("one"), 21);
        main.addObject(await object(text("two")), { tracker: two });
        assert.equal(await run("two"), 21);
        await one.remove();
        assert.equal(await run("two"), 21);
        assert.equal(await run("copy"), 20);
      }));

    test("goes over to another tracker", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const [one, two] = [main.createResourceTracker(), main.createResourceTracker()];
        main.addObject(await object("int f(void) { return 1; }"), { tracker: one });
        assert.equal(await run("f"), 1);
        await one.transferTo(two);
        await one.remove();
        assert.equal(await run("f"), 1);
        await two.remove();
        await assert.rejects(run("f"), { code: "undefined-symbol" });
        const other = session.createJITDylib("other").createResourceTracker();
        await assert.rejects(main.createResourceTracker().transferTo(other), UsageError);
        assert.throws(() => main.addObject(ByteReader.of(new Uint8Array(), "a.o"), { tracker: other }), UsageError);
      }));

    test("shares thread-local and hidden names with the others of its JITDylib", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const [one, two] = [main.createResourceTracker(), main.createResourceTracker()];
        const hidden = '__attribute__((visibility("hidden")))';
        main.addObject(await object(`__thread int t = 30; ${hidden} int h(void) { return 5; }`), { tracker: one });
        main.addObject(
          await object(`extern __thread int t; ${hidden} int h(void); int f(void) { return t++ + h(); }`),
          {
            tracker: two,
          },
        );
        assert.equal(await run("f"), 35);
        assert.equal([...session.jobs()].length, 1, "the place of a thread-local variable is known to its job alone");
        main.addObject(await object("extern __thread int t; int late(void) { return t; }", "late.o"));
        await assert.rejects(run("late"), /late|t is thread-local in part\.o, which has been linked before/);
      }));
  });
}
