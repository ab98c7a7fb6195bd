import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  absoluteSymbols,
  type ByteReader,
  ProcessSymbolsGenerator,
  reexports,
  symbolAliases,
  UndefinedSymbolsError,
} from "slablink";
import { bothModes, call, inSession, object } from "./session-of.ts";

const strong = (value: number) => `int x(void) { return ${value}; }`;
const weak = (value: number) => `__attribute__((weak)) ${strong(value)}`;
/** A function that calls x. */
const user = (name: string) => `int x(void); int ${name}(void) { return x(); }`;

for (const mode of bothModes) {
  describe(`${mode.name}: definitions of several look-ups`, () => {
    const cases: [name: string, sources: string[], expected: number[]][] = [
      ["a strong one takes the place of a weak one", [weak(1), strong(2)], [1, 2]],
      ["a weak one behind a strong one is ignored", [strong(1), weak(2)], [1, 1]],
      ["the first of weak ones stays", [weak(1), weak(2), weak(3)], [1, 1, 1]],
      ["a strong one takes the place of several weak ones", [weak(1), weak(2), strong(3), weak(4)], [1, 1, 3, 3]],
    ];
    for (const [name, sources, expected] of cases) {
      test(name, () =>
        inSession(mode, async (session, run) => {
          const main = session.getJITDylib("main")!;
          const results: number[] = [];
          for (const [i, text] of sources.entries()) {
            main.addObject(await object(`${text} int u${i}(void) { return x(); }`, `${i}.o`));
            // What the object's own reference is bound to, and a later one.
            const own = await run(`u${i}`);
            main.addObject(await object(user(`v${i}`)));
            assert.equal(await run(`v${i}`), own);
            assert.equal(await run("x"), own);
            results.push(own);
          }
          assert.deepEqual(results, expected);
          assert.equal(await run("u0"), expected[0], "code that has been linked keeps what it was bound to");
        }),
      );
    }

    test("two strong ones are an error that names both objects, and the first stays", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addObject(await object(strong(1), "first.o"));
        assert.equal(await run("x"), 1);
        const tracker = main.createResourceTracker();
        main.addObject(await object(`${strong(2)} int y;`, "second.o"), { tracker });
        await assert.rejects(session.lookup(main, ["y"]), {
          code: "duplicate-symbol",
          message: "duplicate symbol: x\n>>> defined in first.o\n>>> defined in second.o",
        });
        await tracker.remove();
        assert.equal(await run("x"), 1);
      }));

    test("two strong ones at one address, or by the wish of who links, are no error", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addObject(await object(strong(1)));
        assert.equal(await run("x"), 1);
        main.addObject(await object(`asm(".globl x; x = ${main.find("x")}");`, "same.o"));
        main.addObject(await object(user("f")));
        assert.equal(await run("f"), 1);
        main.addObject(await object(`${strong(2)} int g(void) { return x(); }`));
        const job = await session.link(main, ["g"], { redefines: true });
        assert.notEqual(job.definition("x"), main.find("x"));
        assert.deepEqual([await run("g"), await run("x")], [2, 1]);
      }));

    test("common ones are one variable", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        for (const name of ["f", "g"]) {
          main.addObject(
            await object(`int shared; int ${name}(void) { return ++shared; }`, `${name}.o`, ["-O1", "-fcommon"]),
          );
          await session.lookup(main, [name]);
        }
        assert.deepEqual([await run("f"), await run("g"), await run("f")], [1, 2, 3]);
      }));

    test("of a name that was given as an address, a strong one is an error and others give way", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.define(absoluteSymbols({ x: 0x1234, common: 0x5678 }));
        main.addObject(await object("extern char x; int f(void) { return (int)(long)&x; }"));
        const tracker = main.createResourceTracker();
        main.addObject(await object(strong(1), "x.o"), { tracker });
        await assert.rejects(session.lookup(main, ["f"]), {
          code: "duplicate-symbol",
          message: "duplicate symbol: x\n>>> defined by hand as 0x1234\n>>> defined in x.o",
        });
        await tracker.remove();
        const others = "int common; int g(void) { return (int)(long)&common; } int h(void) { return (int)(long)&x; }";
        main.addObject(await object(`${weak(2)} ${others}`, "weak.o", ["-O1", "-fcommon"]));
        main.addObject(await object('asm(".globl x; x = 0x1234");', "same.o"));
        assert.deepEqual([await run("f"), await run("g"), await run("h")], [0x1234, 0x5678, 0x1234]);
        assert.equal((await session.lookup(main, ["x"])).get("x"), 0x1234);
      }));

    test("of a name that was given as an address stay where hidden references are to them", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.define("x", 0x1234);
        const hidden = '__attribute__((visibility("hidden"))) extern char x;';
        const flags = ["-O1", "-fno-pic", "-mcmodel=large"];
        main.addObject(await object('__attribute__((weak, visibility("hidden"))) char x = 5;'));
        main.addObject(await object(`${hidden} int f(void) { return x; }`, "f.o", flags));
        assert.equal(await run("f"), 5);
      }));

    test("over the JITDylibs of a link order, the first has it and the others are not linked", () =>
      inSession(mode, async (session) => {
        const [a, b, top] = ["a", "b", "top"].map((name) => session.createJITDylib(name));
        a!.addLazyObject(await object(strong(1)));
        b!.addLazyObject(await object(strong(2)));
        top!.addToLinkOrder(a!);
        top!.addToLinkOrder(b!);
        top!.addObject(await object(user("f")));
        await session.lookup(top!, ["f"]);
        assert.deepEqual([a!.linked.size, b!.linked.size], [1, 0]);
        assert.equal((await session.lookup([top!, b!], ["x"])).get("x"), a!.find("x"));
        assert.equal((await session.lookup([b!, a!], ["x"])).get("x"), b!.find("x"));
        assert.notEqual(a!.find("x"), b!.find("x"));
      }));
  });

  describe(`${mode.name}: names without code`, () => {
    test("are plain addresses, and are taken out again", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.define(absoluteSymbols({ here: 0x1234, there: 0x5678 }));
        assert.throws(() => main.define(absoluteSymbols(new Map([["here", 1]]))), {
          code: "duplicate-symbol",
          message: "duplicate symbol: here\n>>> defined in the JITDylib main",
        });
        main.addObject(await object("extern char here; int f(void) { return (int)(long)&here; }"));
        assert.equal(await run("f"), 0x1234);
        assert.throws(() => main.remove(["there", "nowhere"]), { code: "undefined-symbol", message: /: nowhere$/ });
        assert.equal(main.find("there"), 0x5678);
        main.remove(["here", "there"]);
        main.define(absoluteSymbols({ here: 0x4321 }));
        main.addObject(await object("extern char here; int g(void) { return (int)(long)&here; }"));
        assert.deepEqual([await run("f"), await run("g")], [0x1234, 0x4321]);
        await assert.rejects(session.lookup(main, ["there"]), { code: "undefined-symbol" });
      }));

    test("of linked code are taken out, and its names defined again", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addObject(await object(`${strong(1)} ${user("f").slice(12)}`));
        assert.equal(await run("f"), 1);
        main.remove(["x"]);
        await assert.rejects(run("x"), { code: "undefined-symbol" });
        main.addObject(await object(strong(2)));
        assert.deepEqual([await run("x"), await run("f")], [2, 1]);
      }));

    test("are other names, linked when something reaches them", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.addLazyObject(await object(strong(6)));
        main.define(symbolAliases({ same: "x", dead: "nowhere", absolute: "abs", again: "same" }));
        main.addObject(await object("int f(void) { return 1; }"));
        assert.equal(await run("f"), 1);
        assert.equal(main.find("x"), undefined, "nothing has reached it");
        main.addObject(
          await object("int again(void); int absolute(int); int g(void) { return again() + absolute(-1); }"),
        );
        assert.equal(await run("g"), 7);
        assert.equal(main.find("same"), main.find("x"));
        assert.equal(await run("same"), 6);
        assert.ok((await session.lookup(main, ["absolute"])).get("absolute")! > 0);
        await assert.rejects(run("dead"), { code: "undefined-symbol", message: /nowhere/ });
      }));

    test("of other JITDylibs are linked there when something reaches them", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const [library, between] = ["library", "between"].map((name) => session.createJITDylib(name));
        library!.addObject(await object(strong(8)));
        library!.addLazyObject(await object("int other(void) { return 9; }"));
        between!.define(reexports(library!, { y: "x", z: "other" }));
        main.define(reexports(between!, { w: "y", unused: "z" }));
        main.addObject(await object("int w(void); int f(void) { return w(); }"));
        assert.equal(library!.linked.size, 0);
        assert.equal(await run("f"), 8);
        assert.equal(main.find("w"), library!.find("x"));
        assert.deepEqual([library!.find("other"), between!.linked.size], [undefined, 0]);
        assert.equal(await run("unused"), 9);
        main.define(reexports(library!, { missing: "nowhere" }));
        await assert.rejects(run("missing"), { code: "undefined-symbol", message: /nowhere/ });
      }));

    test("are no addresses unless they are whole numbers of 64 bits", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        for (const value of [Number.NaN, 1.5, -1, 2 ** 64, Number.POSITIVE_INFINITY, 5n as unknown as number]) {
          const expected = { code: "usage", message: new RegExp(`^bad: ${value} is no address`) };
          assert.throws(() => absoluteSymbols({ good: 1, bad: value }), expected);
          assert.throws(() => main.define("bad", value), expected);
          await assert.rejects(session.createRedirectableSymbols(main, { good: 1, bad: value }), expected);
        }
        assert.equal(main.absolutes.size, 0);
        main.define(absoluteSymbols({ highest: 0xffff_ffff_ffff_f800, none: 0 }));
        assert.deepEqual([...(await session.lookup(main, ["none"]))], [["none", 0]]);
      }));

    test("that stand for each other in a circle are an error that names it", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const other = session.createJITDylib("other");
        main.define(symbolAliases({ a: "b", b: "c", c: "b", own: "own" }));
        main.define(reexports(other, { there: "back" }));
        other.define(reexports(main, { back: "there" }));
        const circle = (names: string) => ({
          code: "link",
          message: `${names.split(" ")[0]} is defined as another name for itself: ${names}`,
        });
        await assert.rejects(run("a"), circle("b → c → b"));
        await assert.rejects(run("own"), circle("own → own"));
        await assert.rejects(session.lookup([other, main], ["own"]), circle("own → own"));
        await assert.rejects(run("there"), circle("there → back (other) → there"));
        assert.equal((await session.lookup(main, ["a", "there"], { weak: true })).size, 0);
        main.addObject(await object("int a(void); int f(void) { return a(); }"));
        await assert.rejects(run("f"), circle("c → b → c"));
        main.remove(["c"]);
        main.define(symbolAliases({ c: "abs" }));
        assert.equal(main.linked.size, 0);
        await session.lookup(main, ["f"]);
      }));

    test("that every look-up links may be defined in any order, and must stand for something", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        main.alias("a", "b");
        main.alias("b", "f");
        main.addObject(await object("int b(void); int f(void) { return 4; } int g(void) { return b() + 1; }"));
        assert.deepEqual([await run("a"), await run("g"), await run("b")], [4, 5, 4]);
        for (const dylib of [main, session.createJITDylib("bare")]) {
          dylib.alias("lost", "between");
          dylib.alias("between", "nosuch");
          await assert.rejects(session.lookup(dylib, ["lost"]), {
            code: "undefined-symbol",
            message: "undefined symbol: nosuch\n>>> between is an alias of it",
          });
        }
        main.alias("between", "lost");
        await assert.rejects(session.lookup(main, ["abs"]), {
          code: "link",
          message: /^lost is .*: lost → between → lost$/,
        });
      }));

    test("of a version that is its library's own may be looked up, and stand behind aliases", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        main.alias("copy", "abs@GLIBC_2.2.5");
        main.addObject(await object('int v(int); asm(".symver v, labs@GLIBC_2.2.5"); int f(void) { return v(-1); }'));
        const found = await session.lookup(main, ["copy", "abs@GLIBC_2.2.5", "abs"]);
        assert.equal(new Set(found.values()).size, 1);
        assert.equal(found.size, 3);
      }));

    test("of the process are exported again too", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        const apart = session.createJITDylib("apart");
        apart.define(reexports(main, { magnitude: "abs" }));
        apart.addObject(await object("int magnitude(int); int f(void) { return magnitude(-3); }"));
        assert.equal(await call(session.epc, (await session.lookup(apart, ["f"])).get("f")), 3);
      }));
  });

  describe(`${mode.name}: look-ups`, () => {
    test("leave out names that may be missing", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        main.addObject(await object("int f(void) { return 1; }"));
        const found = await session.lookup(main, ["f", "abs", "nowhere"], { weak: true });
        assert.deepEqual([...found.keys()], ["f", "abs"]);
        assert.deepEqual([...(await session.lookup(main, ["f", "nowhere"], { weak: ["nowhere"] })).keys()], ["f"]);
        await assert.rejects(session.lookup(main, ["f", "nowhere", "gone"], { weak: ["gone"] }), /: nowhere\n/);
        const other = session.createJITDylib("other");
        other.addObject(await object("int g(void) { return 2; }"));
        const both = await session.lookup([other, main], ["f", "g", "nowhere"], { weak: ["nowhere"] });
        assert.deepEqual([...both.keys()], ["f", "g"]);
        await assert.rejects(session.lookup([other, main], ["f", "lost", "nowhere"]), (error) => {
          assert.ok(error instanceof UndefinedSymbolsError);
          assert.deepEqual(
            error.symbols.map(({ name }) => name),
            ["lost", "nowhere"],
          );
          return true;
        });
      }));

    test("say of undefined symbols who refers to them, as data", () =>
      inSession(mode, async (session) => {
        const main = session.getJITDylib("main")!;
        const calls = Array.from({ length: 5 }, (_, i) => `int f${i}(void) { return lost() + 1; }`).join("\n");
        main.addObject(await object(`int lost(void); extern int gone; ${calls} int *p = &gone;`, "user.o"));
        await assert.rejects(session.lookup(main, ["f0", "absent"]), (error) => {
          assert.ok(error instanceof UndefinedSymbolsError);
          const [absent, gone, lost] = error.symbols;
          assert.deepEqual([absent!.name, absent!.references], ["absent", []]);
          assert.equal(gone!.name, "gone");
          assert.match(gone!.references[0]!.section, /^\.data/);
          assert.deepEqual(
            { ...gone!.references[0]!, section: "" },
            { file: "user.o", section: "", offset: 0, functionName: undefined },
          );
          assert.deepEqual(
            lost!.references.map(({ file, section, functionName }) => [file, section, functionName]),
            [0, 1, 2, 3, 4].map((i) => ["user.o", ".text", `f${i}`]),
          );
          assert.equal(new Set(lost!.references.map(({ offset }) => offset)).size, 5);
          return true;
        });
      }));

    const pair = (): Promise<ByteReader> => object("int x(void) { return 1; } int y(void) { return 2; }", "xy.o");
    const single = (): Promise<ByteReader> => object("int z(void) { return 3; }", "z.o");

    test("at once find what one of them links, through names of one JITDylib in others", () =>
      inSession(mode, async (session) => {
        const [library, a, b] = ["library", "a", "b"].map((name) => session.createJITDylib(name));
        library!.addObject(await pair());
        for (const dylib of [a!, b!]) dylib.define(reexports(library!, { x: "x" }));
        const found = await Promise.all([a!, b!, library!].map((dylib) => session.lookup(dylib, ["x"])));
        assert.equal(new Set(found.map((each) => each.get("x"))).size, 1);
      }));

    test("at once in several JITDylibs find what another has in flight", () =>
      inSession(mode, async (session) => {
        const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => session.createJITDylib(name));
        a!.addObject(await pair());
        b!.addObject(await single());
        const [both, one] = await Promise.all([session.lookup([a!, b!], ["x", "z"]), session.lookup(a!, ["y"])]);
        assert.deepEqual([both.size, one.size], [2, 1]);
        c!.addLazyObject(await pair());
        d!.addLazyObject(await single());
        const orders = [
          [c!, d!],
          [d!, c!],
        ];
        const found = await Promise.all(orders.map((order) => session.lookup(order, ["x", "z"])));
        assert.deepEqual(found[0], found[1]);
      }));
  });
}

for (const mode of bothModes) {
  describe(`${mode.name}: JITDylibs that have nothing to do with each other`, () => {
    test("do not find each other's code, in whatever order they are linked", () =>
      inSession(mode, async (session, run) => {
        const [apart, other] = ["apart", "other"].map((name) => session.createJITDylib(name));
        apart!.addObject(await object(strong(1)));
        await session.lookup(apart!, ["x"]);
        const main = session.getJITDylib("main")!;
        main.addObject(await object(`${user("f")} extern __attribute__((weak)) int x(void);`, "f.o"));
        main.addObject(await object("int g(void) { return 7; }", "g.o"));
        assert.deepEqual([await run("g"), main.find("x")], [7, undefined], "a weak reference is nobody's either");
        other!.addGenerator(new ProcessSymbolsGenerator());
        other!.addObject(await object(user("h"), "h.o"));
        await assert.rejects(session.lookup(other!, ["h"]), { code: "undefined-symbol", message: /: x\n.*h\.o/s });
        other!.addToLinkOrder(apart!);
        assert.equal(await call(session.epc, (await session.lookup(other!, ["h"])).get("h")), 1);
        assert.equal((await session.lookup(other!, ["getpid"])).size, 1, "the process's own names are found");
      }));

    test("a name whose code has been removed is not another one's", () =>
      inSession(mode, async (session, run) => {
        const apart = session.createJITDylib("apart");
        const main = session.getJITDylib("main")!;
        const tracker = main.createResourceTracker();
        main.addObject(await object(strong(2)), { tracker });
        assert.equal(await run("x"), 2);
        apart.addObject(await object(strong(1)));
        await session.lookup(apart, ["x"]);
        await tracker.remove();
        await assert.rejects(run("x"), { code: "undefined-symbol" });
      }));

    test("a callback is asked for what only they have", () =>
      inSession(mode, async (session, run) => {
        const apart = session.createJITDylib("apart");
        apart.addObject(await object(strong(1)));
        await session.lookup(apart, ["x"]);
        const main = session.getJITDylib("main")!;
        const asked: string[][] = [];
        const tryToGenerate = async (names: readonly string[]) => {
          asked.push([...names]);
          return [await object(strong(3), "generated.o")];
        };
        main.addGenerator({ kind: "callback", tryToGenerate });
        main.addObject(await object(user("f")));
        assert.deepEqual([await run("f"), asked], [3, [["x"]]]);
      }));
  });
}

for (const mode of bothModes) {
  test(`${mode.name}: JITDylibs that need each other are told of`, () =>
    inSession(mode, async (session) => {
      const [a, b] = ["a", "b"].map((name) => session.createJITDylib(name));
      a!.addToLinkOrder(b!);
      b!.addToLinkOrder(a!);
      a!.addObject(await object("int b1(void); int a2(void) { return 5; } int a1(void) { return b1(); }", "a.o"));
      b!.addObject(await object("int a2(void); int b1(void) { return a2() + 1; }", "b.o"));
      await assert.rejects(session.lookup(a!, ["a1"]), {
        code: "undefined-symbol",
        message:
          /: a2\n>>> .*b\.o.*\n>>> if the JITDylib a defines it: a and b are in each other's link orders, and b is linked first/,
      });
      // Nothing is lost: what they need of each other can be linked before.
      a!.drop(() => true);
      a!.addObject(await object("int a2(void) { return 5; }", "a2.o"));
      assert.equal(await call(session.epc, (await session.lookup(b!, ["b1"])).get("b1")), 6);
      a!.addObject(await object("int b1(void); int a1(void) { return b1(); }", "a1.o"));
      assert.equal(await call(session.epc, (await session.lookup(a!, ["a1"])).get("a1")), 6);
    }));
}
