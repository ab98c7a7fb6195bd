import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Archive } from "../../src/formats/archive.ts";
import { FileArena } from "../../src/host/arena.ts";
import { StaticArchiveGenerator } from "../../src/orc/definition-generator.ts";
import { linkPlainly, type PlainJob, type PlainJobOptions, readerOf } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { watchKernel } from "./kernel-watch.ts";

/** An archive of assembled members, in this order; `flags` for ar. Gives its path. */
async function archive(members: Record<string, string>, flags = "rcs"): Promise<string> {
  const directory = freshDirectory();
  const paths = await Promise.all(Object.entries(members).map(([name, text]) => compile(["gcc"], `${name}.s`, text)));
  const path = join(directory, "lib.a");
  await mustRun("ar", [flags, path, ...paths]);
  return path;
}

/** Where files lie: in reach of the kernel, which takes members out of archives with an index, or out of it. */
type Reach = "in the kernel's reach" | "out of the kernel's reach";
const reaches: readonly Reach[] = ["in the kernel's reach", "out of the kernel's reach"];

const arena = new FileArena();
after(() => arena.dispose());

/** A job of these objects and archives; `takes`: members that the kernel must have taken, where it can. */
async function link(
  reach: Reach,
  objects: readonly string[],
  archives: readonly string[],
  options: PlainJobOptions & { readonly takes?: number } = {},
): Promise<PlainJob> {
  const watch = watchKernel();
  try {
    return await linkPlainly(objects, {
      ...options,
      ...(reach === "in the kernel's reach" && { arena }),
      generators: (place) => archives.map((path) => new StaticArchiveGenerator(Archive.read(place(readerOf(path))))),
    });
  } finally {
    watch.stop();
    if (reach === "out of the kernel's reach") assert.equal(watch.taken, 0);
    else if (options.takes !== undefined) assert.equal(watch.taken, options.takes);
  }
}

const main = (...calls: string[]): Promise<string> =>
  compile(["gcc"], "main.s", `.globl main\n.text\nmain:\n${calls.map((name) => ` call ${name}\n`).join("")}`);
const define = (name: string, ...calls: string[]): string =>
  `.globl ${name}\n.text\n${name}: ret\n${calls.map((call) => ` call ${call}\n`).join("")}`;

/** Names of the members that became part of the job. */
function members({ job }: PlainJob): string[] {
  return job.tables.graphs.slice(1).map(({ name }) => /\((.*)\)$/.exec(name)![1]);
}

for (const [kind, flags, reach] of [
  ...reaches.map((each) => ["with an index", "rcs", each] as const),
  ...reaches.map((each) => ["without an index", "rcS", each] as const),
]) {
  describe(`an archive ${kind}, ${reach}`, () => {
    const count = (members: number): number => (kind === "with an index" ? members : 0);

    test("gives only the members that something needs, and what those need", async () => {
      const lib = await archive({ a: define("a", "b"), b: define("b"), c: define("c"), d: define("d", "a") }, flags);
      assert.deepEqual(members(await link(reach, [await main("a")], [lib], { takes: count(2) })), ["a.o", "b.o"]);
    });

    test("gives members that refer to each other once", async () => {
      const lib = await archive({ a: define("a", "b"), b: define("b", "a") }, flags);
      const job = await link(reach, [await main("b", "a")], [lib], { takes: count(2) });
      assert.deepEqual(members(job).sort(), ["a.o", "b.o"]);
    });

    test("gives nothing for weak references, nor for names that are defined", async () => {
      const lib = await archive({ a: define("a"), m: define("main") }, flags);
      const user = await compile(["gcc"], "weak.s", ".globl main\n.weak a\n.text\nmain: call a\n");
      assert.deepEqual(members(await link(reach, [user], [lib], { takes: 0 })), []);
    });

    test("gives the member that a looked-up name is in, without any object", async () => {
      const lib = await archive({ a: define("a"), b: define("b") }, flags);
      const job = await link(reach, [], [lib], { names: ["b"], takes: count(1) });
      assert.equal(job.job.tables.graphs.length, 1);
      assert.equal(job.address("b"), job.job.layout.code.address);
    });

    test("the first of two archives, and of two members, wins", async () => {
      const first = await archive({ x: define("x"), y: `.globl y\ny=1\n${define("x", "x")}` }, flags);
      const second = await archive({ z: define("x") }, flags);
      const objects = [await main("x")];
      assert.deepEqual(members(await link(reach, objects, [first, second], { takes: count(1) })), ["x.o"]);
      assert.deepEqual(members(await link(reach, objects, [second, first], { takes: count(1) })), ["z.o"]);
    });

    test("members that define what is strongly defined already are duplicates", async () => {
      const lib = await archive({ a: define("a") + define("main") }, flags);
      const job = link(reach, [await main("a")], [lib], { takes: count(1) });
      await assert.rejects(job, { code: "duplicate-symbol" });
    });
  });
}

for (const reach of reaches) {
  test(`mutual references between archives are resolved without repeating them, ${reach}`, async () => {
    const one = await archive({ a: define("a", "b"), c: define("c", "d") });
    const two = await archive({ b: define("b", "c"), d: define("d") });
    const job = await link(reach, [await main("a")], [one, two], { takes: 4 });
    assert.deepEqual(members(job), ["a.o", "b.o", "c.o", "d.o"]);
  });
}
