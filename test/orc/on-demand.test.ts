import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CallbackGenerator, type JITDylib, ProcessSymbolsGenerator } from "slablink";
import { bothModes, call, inSession, object } from "./session-of.ts";

for (const mode of bothModes) {
  describe(`${mode.name}: objects that wait to be reached`, () => {
    test("are linked for what they define, and what they need in turn", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addLazyObject(await object("int b(void); int a(void) { return b() + 1; }", "a.o"));
        main.addLazyObject(await object("int b(void) { return 1; } int also_b(void) { return 5; }", "b.o"));
        main.addLazyObject(await object("int nowhere(void); int c(void) { return nowhere(); }", "c.o"));
        assert.deepEqual([...(await session.lookup(main, ["abs"])).keys()], ["abs"]);
        assert.equal(main.find("a"), undefined);
        assert.equal(await run("a"), 2);
        const objects = () =>
          [...session.jobs()].flatMap(({ objects: all }) => all.map(({ graph }) => graph.name)).sort();
        assert.deepEqual(objects(), ["a.o", "b.o"]);
        assert.equal(await run("also_b"), 5);
        assert.deepEqual(objects(), ["a.o", "b.o"], "not linked twice");
        await assert.rejects(run("c"), { code: "undefined-symbol" });
        assert.equal(await run("a"), 2, "what failed waits again");
        main.addObject(await object("int nowhere(void) { return 7; }"));
        assert.equal(await run("c"), 7);
      }));

    test("go with their tracker, before and after", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        for (const isReached of [false, true]) {
          const tracker = main.createResourceTracker();
          main.addLazyObject(await object("int a(void) { return 1; }"), { tracker });
          if (isReached) assert.equal(await run("a"), 1);
          await tracker.remove();
          await assert.rejects(run("a"), { code: "undefined-symbol" });
        }
      }));

    test("are not linked for a weak reference, nor where something comes first", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addLazyObject(await object("int a(void) { return 1; }"));
        main.addLazyObject(await object("int a(void) { return 2; } int b(void) { return 3; }"));
        main.addObject(await object("int a(void) __attribute__((weak)); int f(void) { return a ? a() : 9; }"));
        assert.equal(await run("f"), 9);
        assert.equal(await run("a"), 1);
      }));

    test("of a JITDylib in the link order are reached from the others", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const library = session.createJITDylib("library");
        library.addLazyObject(await object("int a(void) { return 4; }"));
        library.addLazyObject(await object("int unused(void) { return 4; }"));
        main.addToLinkOrder(library);
        main.addObject(await object("int a(void); int f(void) { return a(); }"));
        assert.equal(await run("f"), 4);
        assert.deepEqual([library.find("unused"), library.linked.size], [undefined, 1]);
      }));
  });

  describe(`${mode.name}: a generator that is a callback`, () => {
    /** One that keeps what it was asked for. */
    function callback(
      answer: (names: readonly string[], dylib: JITDylib) => ReturnType<CallbackGenerator["tryToGenerate"]>,
    ) {
      const asked: string[][] = [];
      const generator: CallbackGenerator = {
        kind: "callback",
        tryToGenerate(names, dylib) {
          asked.push([...names]);
          return answer(names, dylib);
        },
      };
      return { asked, generator };
    }

    test("gives addresses of names that nothing before it defines", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const { asked, generator } = callback(() => new Map([["made", 0x77]]));
        main.addGenerator(generator);
        main.addObject(
          await object(
            "extern char made; int abs(int); int g(void) { return 1; } int f(void) { return abs(-(int)(long)&made) + g(); }",
          ),
        );
        assert.equal(await run("f"), 0x78);
        assert.equal(await run("f"), 0x78);
        assert.deepEqual(asked, [["made"]]);
      }));

    test("is asked before what was added behind it, and after what was added before", () =>
      inSession(mode, async (session) => {
        const main = session.createJITDylib("ordered");
        const { asked, generator } = callback((names) => (names.includes("b") ? new Map([["b", 0x42]]) : undefined));
        main.addLazyObject(await object("int a(void) { return 1; }"));
        main.addGenerator(generator);
        main.addLazyObject(
          await object("int a(void) { return 2; } int b(void) { return 3; } int c(void) { return 4; }"),
        );
        const found = await session.lookup(main, ["a", "b"]);
        assert.equal(found.get("b"), 0x42);
        assert.equal(await call(session.epc, found.get("a")), 1);
        assert.deepEqual(asked, [["b"]]);
        const other = session.createJITDylib("declined");
        other.addGenerator(generator);
        other.addLazyObject(await object("int c(void) { return 4; }"));
        assert.equal(await call(session.epc, (await session.lookup(other, ["c"])).get("c")), 4);
        assert.deepEqual(asked, [["b"], ["c"]]);
      }));

    test("is asked for what the process has when it comes first", () =>
      inSession(mode, async (session) => {
        const { asked, generator } = callback(async (names) =>
          names.includes("abs") ? new Map([["abs", 0x99]]) : undefined,
        );
        const own = session.createJITDylib("own");
        own.addGenerator(generator);
        own.addGenerator(new ProcessSymbolsGenerator());
        const found = await session.lookup(own, ["abs", "labs"]);
        assert.equal(found.get("abs"), 0x99);
        assert.ok(found.get("labs")! > 0x99);
        assert.deepEqual(asked, [["abs", "labs"]]);
      }));

    test("gives objects, which may need more of it", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const sources: Record<string, string> = {
          one: "int two(void); int one(void) { return two() + 1; }",
          two: "int two(void) { return 40; }",
        };
        const { asked, generator } = callback(async (names) => {
          const readers = names.filter((name) => name in sources).map((name) => object(sources[name]!, `${name}.o`));
          return Promise.all(readers);
        });
        main.addGenerator(generator);
        assert.equal(await run("one"), 41);
        assert.deepEqual(asked, [["one"], ["two"]]);
        await assert.rejects(run("three"), { code: "undefined-symbol" });
        assert.deepEqual(asked.at(-1), ["three"]);
      }));

    test("adds to the JITDylib by itself", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const reader = await object("int lazily(void) { return 6; }");
        const { generator } = callback((_names, dylib) => {
          dylib.addLazyObject(reader);
          return undefined;
        });
        main.addGenerator(generator);
        assert.equal(await run("lazily"), 6);
      }));

    test("fails the look-up when it throws, and is asked again by the next", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        let fails = true;
        const { generator } = callback(() => {
          if (fails) throw new Error("not now");
          return new Map([["made", 0x55]]);
        });
        main.addGenerator(generator);
        await assert.rejects(session.lookup(main, ["made"]), /not now/);
        fails = false;
        assert.equal((await session.lookup(main, ["made"])).get("made"), 0x55);
      }));

    test("of a JITDylib in the link order is asked for what is missing before it", () =>
      inSession(mode, async (session) => {
        const [top, library] = ["top", "library"].map((name) => session.createJITDylib(name));
        const reader = await object("int made(void) { return 12; }");
        const { asked, generator } = callback((names) => (names.includes("made") ? [reader] : undefined));
        library!.addGenerator(generator);
        top!.addToLinkOrder(library!);
        top!.addObject(
          await object("int made(void); int own(void) { return 1; } int f(void) { return made() + own(); }"),
        );
        assert.equal(await call(session.epc, (await session.lookup(top!, ["f"])).get("f")), 13);
        assert.deepEqual(asked, [["made"]]);
        assert.ok(library!.find("made")! > 0);
      }));
  });
}
