import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Archive, ByteReader, type JobGraph, LinkError, type LinkPlugin, StaticArchiveGenerator } from "slablink";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { bothModes, inSession, object } from "./session-of.ts";

const program = `
__attribute__((noinline)) int foo(int n) { return n + 1; }
__attribute__((noinline)) int bar(int n) { return foo(n) * 2; }
int run(void) { return foo(1) + bar(2); }
`;

/** Counts the calls of a function: they go to code of the counter's, which goes on to the function itself. */
function countCalls(name: string, counter: ByteReader): LinkPlugin {
  return {
    name: `count calls of ${name}`,
    prePrune(object, job) {
      for (const relocation of object.relocations()) {
        if (relocation.isCall && relocation.symbol.name === name) relocation.symbol = object.symbol(`counter_${name}`);
      }
      if (object.findSymbol(name)?.isDefined === true) job.addObject(counter);
    },
  };
}

/** The same for every function that an object defines, without a compiler: `lock incq calls_NAME(%rip); jmp NAME`. */
const countAllCalls: LinkPlugin = {
  name: "count all calls",
  prePrune(object) {
    const calls = [...object.relocations()].filter(({ isCall, symbol }) => isCall && symbol.isDefined);
    for (const target of new Set(calls.map(({ symbol }) => symbol))) {
      const data = object.addSection({ name: ".data.calls", kind: "data", bytes: new Uint8Array(8) });
      object.addSymbol({ name: `calls_${target.name}`, section: data, size: 8 });
      const code = object.addSection({
        name: ".text.calls",
        kind: "code",
        // f0 48 ff 05 rel32   lock incq calls(%rip)
        // e9 rel32            jmp target
        bytes: Uint8Array.of(0xf0, 0x48, 0xff, 0x05, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0),
        relocations: [
          { offset: 4, kind: "R_X86_64_PC32", symbol: `calls_${target.name}`, addend: -4 },
          { offset: 9, kind: "R_X86_64_PLT32", symbol: target, addend: -4 },
        ],
      });
      const thunk = object.addSymbol({ name: `count_${target.name}`, section: code, binding: "local" });
      for (const call of calls) if (call.symbol === target) call.symbol = thunk;
    }
  },
};

for (const mode of bothModes) {
  describe(`${mode.name}: a plugin`, () => {
    test("counts the calls of a function with code that it adds", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const text =
          "int foo(int); static int calls; int counter_foo(int n) { calls++; return foo(n); } int count(void) { return calls; }";
        session.addPlugin(countCalls("foo", await object(text, "counter.o")));
        main.addObject(await object(program, "program.o"));
        main.addObject(await object("int foo(int); int run2(void) { return foo(9); }", "more.o"));
        assert.deepEqual([await run("run"), await run("run2")], [8, 10]);
        assert.equal(await run("count"), 3);
      }));

    test("counts the calls of every function, without a compiler", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        session.addPlugin(countAllCalls);
        main.addObject(await object(program, "program.o"));
        const reads = ["foo", "bar"].map(
          (name) => `extern long calls_${name}; int count_${name}(void) { return calls_${name}; }`,
        );
        main.addObject(await object(reads.join("\n"), "reads.o"));
        assert.equal(await run("run"), 8);
        assert.deepEqual([await run("count_foo"), await run("count_bar")], [2, 1]);
      }));

    test("sees members of archives, and changes what each object is made of", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const path = `${freshDirectory()}/lib.a`;
        const member = await compile(
          ["gcc", "-O1", "-fPIE"],
          "member.c",
          "const int n[2] = { 3, 4 }; int member(int i) { return n[i]; }",
        );
        await mustRun("ar", ["rcs", path, member]);
        main.addGenerator(new StaticArchiveGenerator(Archive.read(ByteReader.of(readFileSync(path), "lib.a"))));
        const seen: string[] = [];
        session.addPlugin({
          name: "editor",
          prePrune(each) {
            seen.push(each.name);
            const data = each.section(".rodata");
            if (data !== undefined) new DataView(data.bytes.buffer, data.bytes.byteOffset).setInt32(4, 40, true);
            const old = each.findSymbol("old");
            if (old !== undefined) old.name = "renamed";
            const private_ = each.findSymbol("private_");
            if (private_ !== undefined) private_.visibility = "hidden";
            each.addSymbol({ name: `seen_${seen.length}`, value: 0x1000 + seen.length });
          },
        });
        main.addObject(
          await object(
            "int member(int); int private_; extern char seen_2; int old(void) { return member(1) + private_ + (int)(long)&seen_2; }",
            "user.o",
          ),
        );
        assert.equal(await run("renamed"), 40 + 0x1002);
        assert.deepEqual(seen, ["user.o", "lib.a(member.o)"]);
        await assert.rejects(run("old"), { code: "undefined-symbol" });
        const [job] = session.jobs();
        const { tables, resolution } = job!;
        assert.deepEqual(
          ["private_", "renamed"].map((name) => resolution.invisible[tables.pool.internString(name)]),
          [1, 0],
        );
      }));

    test("sees the passes in their order, with what is known in each", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        const seen: [string, (number | undefined)[], string][] = [];
        const note = (pass: string) => (graphs: readonly JobGraph[]) => {
          const [graph] = graphs;
          assert.equal(graph!.name, "part.o");
          const addresses = ["f", "v", "getppid"].map((name) => graph!.symbol(name)?.address);
          const place = graph!.symbol("p")!.section!;
          assert.deepEqual(
            place.relocations.map(({ kind, symbol, addend }) => [kind, symbol.name, symbol.isDefined, addend]),
            [["R_X86_64_64", "v", true, 4n]],
          );
          assert.deepEqual([graph!.symbol("v")!.isDefined, graph!.symbol("getppid")!.isDefined], [true, false]);
          assert.equal(place.address !== undefined, pass !== "postPrune");
          seen.push([pass, addresses, Buffer.from(place.bytes).toString("hex")]);
        };
        session.addPlugin({
          name: "watcher",
          postPrune: note("postPrune"),
          postAllocation: note("postAllocation"),
          preFixup: note("preFixup"),
          postFixup(graphs) {
            note("postFixup")(graphs);
            const section = graphs[0]!.symbol("v")!.section!;
            new DataView(section.bytes.buffer, section.bytes.byteOffset).setInt32(4, 900, true);
          },
        });
        main.addObject(
          await object(
            "#include <unistd.h>\nint v[2] = { 1, 2 }; int *p = v + 1; int f(void) { return getppid() > 0 ? *p + 1 : 0; }",
          ),
        );
        assert.equal(await run("f"), 901, "what is written in the last pass runs");
        const [f, v] = [main.find("f"), main.find("v")];
        const nothing = "0000000000000000";
        const word = Buffer.alloc(8);
        word.writeBigUInt64LE(BigInt(v! + 4));
        const outside = seen[2]![1][2];
        assert.ok(outside! > 0);
        assert.deepEqual(seen, [
          ["postPrune", [undefined, undefined, undefined], nothing],
          ["postAllocation", [f, v, undefined], nothing],
          ["preFixup", [f, v, outside], nothing],
          ["postFixup", [f, v, outside], word.toString("hex")],
        ]);
      }));

    test("that fails is named, and the job leaves nothing", () =>
      inSession(mode, async (session, run) => {
        const main = session.getJITDylib("main")!;
        let pass: string | undefined = "prePrune";
        const fail = (name: string) => () => {
          if (pass === name) throw new Error(`no ${name}`);
          if (pass === "promise") return Promise.resolve() as never;
        };
        const passes = ["prePrune", "postPrune", "postAllocation", "preFixup", "postFixup"];
        session.addPlugin({ name: "moody", ...Object.fromEntries(passes.map((name) => [name, fail(name)])) });
        main.addObject(await object("int f(void) { return 1; }"));
        for (const each of [...passes, "promise"]) {
          pass = each;
          await assert.rejects(run("f"), (error) => {
            assert.ok(error instanceof LinkError);
            assert.match(
              error.message,
              each === "promise" ? /^plugin moody: part\.o: gives a Promise/ : /^plugin moody: .*: no /,
            );
            return true;
          });
        }
        pass = undefined;
        assert.equal(await run("f"), 1);
        assert.equal([...session.jobs()].length, 1);
      }));
  });
}
