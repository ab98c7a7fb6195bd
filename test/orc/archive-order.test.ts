import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Archive } from "../../src/formats/archive.ts";
import { archiveAt, linkPlainly } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";

/** An archive of assembled members, in this order; `flags` for ar. */
async function archive(members: Record<string, string>, flags = "rcs"): Promise<Archive> {
  const directory = freshDirectory();
  const paths = await Promise.all(Object.entries(members).map(([name, text]) => compile(["gcc"], `${name}.s`, text)));
  const path = join(directory, "lib.a");
  await mustRun("ar", [flags, path, ...paths]);
  return archiveAt(path);
}

const main = (...calls: string[]): Promise<string> =>
  compile(["gcc"], "main.s", `.globl main\n.text\nmain:\n${calls.map((name) => ` call ${name}\n`).join("")}`);
const define = (name: string, ...calls: string[]): string =>
  `.globl ${name}\n.text\n${name}: ret\n${calls.map((call) => ` call ${call}\n`).join("")}`;

/** Names of the members that became part of the job. */
function members(job: { job: { tables: { graphs: readonly { name: string }[] } } }): string[] {
  return job.job.tables.graphs.slice(1).map(({ name }) => /\((.*)\)$/.exec(name)![1]);
}

for (const [kind, flags] of [
  ["with an index", "rcs"],
  ["without an index", "rcS"],
]) {
  describe(`an archive ${kind}`, () => {
    test("gives only the members that something needs, and what those need", async () => {
      const lib = await archive({ a: define("a", "b"), b: define("b"), c: define("c"), d: define("d", "a") }, flags);
      assert.deepEqual(members(await linkPlainly([await main("a")], { archives: [lib] })), ["a.o", "b.o"]);
    });

    test("gives members that refer to each other once", async () => {
      const lib = await archive({ a: define("a", "b"), b: define("b", "a") }, flags);
      assert.deepEqual(members(await linkPlainly([await main("b", "a")], { archives: [lib] })).sort(), ["a.o", "b.o"]);
    });

    test("gives nothing for weak references, nor for names that are defined", async () => {
      const lib = await archive({ a: define("a"), m: define("main") }, flags);
      const user = await compile(["gcc"], "weak.s", ".globl main\n.weak a\n.text\nmain: call a\n");
      assert.deepEqual(members(await linkPlainly([user], { archives: [lib] })), []);
    });

    test("gives the member that a looked-up name is in, without any object", async () => {
      const lib = await archive({ a: define("a"), b: define("b") }, flags);
      const job = await linkPlainly([], { archives: [lib], names: ["b"] });
      assert.equal(job.job.tables.graphs.length, 1);
      assert.equal(job.address("b"), job.job.layout.code.address);
    });

    test("the first of two archives, and of two members, wins", async () => {
      const first = await archive({ x: define("x"), y: `.globl y\ny=1\n${define("x", "x")}` }, flags);
      const second = await archive({ z: define("x") }, flags);
      assert.deepEqual(members(await linkPlainly([await main("x")], { archives: [first, second] })), ["x.o"]);
      assert.deepEqual(members(await linkPlainly([await main("x")], { archives: [second, first] })), ["z.o"]);
    });

    test("members that define what is strongly defined already are duplicates", async () => {
      const lib = await archive({ a: define("a") + define("main") }, flags);
      await assert.rejects(linkPlainly([await main("a")], { archives: [lib] }), { code: "duplicate-symbol" });
    });
  });
}

test("mutual references between archives are resolved without repeating them", async () => {
  const one = await archive({ a: define("a", "b"), c: define("c", "d") });
  const two = await archive({ b: define("b", "c"), d: define("d") });
  const job = await linkPlainly([await main("a")], { archives: [one, two] });
  assert.deepEqual(members(job), ["a.o", "b.o", "c.o", "d.o"]);
});
