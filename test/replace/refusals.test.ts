import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import { callInt, readerOf, sessionFor } from "./sessions.ts";

const version = async (text: string, flags: readonly string[] = ["-O2"], name = "get.o") =>
  readerOf(await compile(["gcc", ...flags], "get.c", `${text}\n`), name);

describe("what cannot be replaced is refused, and all is as it was", () => {
  const cases: [name: string, before: string, after: string, message: RegExp][] = [
    [
      "thread-local variables",
      "__thread int a = 1; int get(void) { return a; }",
      "__thread int a = 1; int get(void) { return a + 1; }",
      /^ObjectFormatError: get\.o: a is thread-local/,
    ],
    [
      "names that are nowhere",
      "int get(void) { return 1; }",
      "int absent(void); int get(void) { return absent(); }",
      /undefined symbol: absent/,
    ],
  ];
  for (const [name, before, after, message] of cases) {
    test(name, async (context) => {
      const { session, dylib } = await sessionFor(context);
      await session.addReplaceableObject(dylib, await version(before));
      const get = (await session.lookup(dylib, ["get"])).get("get")!;
      assert.equal(await callInt(session, get), 1);
      const jobs = [...session.jobs()].length;
      await assert.rejects(session.replace(dylib, await version(after)), message);
      assert.equal(await callInt(session, get), 1);
      assert.deepEqual([[...session.jobs()].length, dylib.pending.length], [jobs, 0]);
      // And it can be replaced after that.
      await session.replace(dylib, await version(before.replace("return a", "return a + 0"))).catch(() => {});
      assert.equal(await callInt(session, get), 1);
    });
  }

  test("objects that are not there, are there twice, or have not been linked", async (context) => {
    const { session, dylib } = await sessionFor(context);
    const object = await version("int get(void) { return 1; }");
    await assert.rejects(session.replace(dylib, object), {
      code: "usage",
      message: "get.o is none of the replaceable objects",
    });
    await session.addReplaceableObject(dylib, object);
    await assert.rejects(session.addReplaceableObject(dylib, object), { code: "usage" });
    await assert.rejects(session.replace(dylib, object), { code: "usage", message: "get.o has not been linked yet" });
  });

  test("functions of two objects that have one name are duplicates as ever", async (context) => {
    const { session, dylib } = await sessionFor(context);
    await session.addReplaceableObject(dylib, await version("int get(void) { return 1; }"));
    await session.addReplaceableObject(dylib, await version("int get(void) { return 2; }", ["-O2"], "other.o"));
    await assert.rejects(session.lookup(dylib, ["get"]), {
      code: "duplicate-symbol",
      message: "duplicate symbol: get\n>>> defined in get.o\n>>> defined in other.o",
    });
  });
});

test("functions come and go", async (context) => {
  const { session, dylib } = await sessionFor(context);
  await session.addReplaceableObject(dylib, await version("int get(void) { return 1; } int gone(void) { return 7; }"));
  const found = await session.lookup(dylib, ["get", "gone"]);
  const done = await session.replace(
    dylib,
    await version("int more(void) { return 5; } int get(void) { return 2 + more(); }"),
  );
  assert.deepEqual([done.replaced, done.added, done.gone], [["get"], ["more"], ["gone"]]);
  assert.equal(await callInt(session, found.get("get")!), 7);
  assert.equal(await callInt(session, found.get("gone")!), 7);
  const more = (await session.lookup(dylib, ["more"])).get("more")!;
  await session.replace(dylib, await version("int more(void) { return 6; } int get(void) { return 3 + more(); }"));
  assert.equal(await callInt(session, more), 6);
  // What is gone has its code for as long as somebody may call it.
  await (await session.replaceableObjects(dylib)).collect();
  assert.equal(await callInt(session, found.get("gone")!), 7);
});
