import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DefinitionIndex } from "../../src/orc/definition-index.ts";
import type { LinkedDefinitions } from "../../src/orc/jit-dylib.ts";

/** A job that defines names at one address, and counts how often it is asked. */
function job(address: number, ...defined: string[]): LinkedDefinitions & { asked: number } {
  return jobWith(false, address, defined);
}

/** One whose definitions are all weak, if so asked. */
function jobWith(isWeak: boolean, address: number, defined: readonly string[]): LinkedDefinitions & { asked: number } {
  return {
    asked: 0,
    definition(name) {
      this.asked++;
      return defined.includes(name) ? address : undefined;
    },
    traits: () => ({ object: "a.o", isOverridable: isWeak, isThreadLocal: false }),
    names: () => defined,
  };
}

for (const many of [0, 20]) {
  describe(`definitions of ${many === 0 ? "few" : "many"} jobs`, () => {
    const filled = (): DefinitionIndex => {
      const index = new DefinitionIndex();
      for (let i = 0; i < many; i++) index.add(job(i, `own${i}`));
      return index;
    };

    test("a strong definition has the name, whenever it came, else the first weak one", () => {
      const index = filled();
      const weak = [jobWith(true, 201, ["w", "x"]), jobWith(true, 202, ["w"])];
      for (const each of weak) index.add(each);
      assert.deepEqual([index.find("w"), index.find("x")], [201, 201]);
      const strong = job(203, "w");
      index.add(strong);
      index.add(jobWith(true, 204, ["w"]));
      assert.equal(index.find("w"), 203);
      assert.equal(index.findDefinition("w")?.job, strong);
      index.delete(strong);
      assert.equal(index.find("w"), 201);
    });

    test("a hidden definition is none, and later ones are not hidden", () => {
      const index = filled();
      const [first, second] = [job(301, "h", "i"), job(302, "h")];
      index.add(first);
      index.add(second);
      index.hide("h", [first]);
      assert.deepEqual([index.find("h"), index.find("i")], [302, 301]);
      index.hide("h");
      assert.equal(index.find("h"), undefined);
      index.add(job(303, "h"));
      assert.equal(index.find("h"), 303);
    });

    test("the first job that defines a name has it, and when that goes the next", () => {
      const index = filled();
      const [first, second, third] = [job(101, "a", "b"), job(102, "b", "c"), job(103, "b")];
      for (const each of [first, second, third]) index.add(each!);
      assert.deepEqual(
        ["a", "b", "c", "d"].map((name) => index.find(name)),
        [101, 101, 102, undefined],
      );
      index.delete(first!);
      assert.deepEqual([index.find("a"), index.find("b")], [undefined, 102]);
      index.delete(third!);
      index.delete(second!);
      assert.deepEqual([index.find("b"), index.find("c")], [undefined, undefined]);
      assert.equal(index.size, many);
    });

    test("a job that is not there is not missed", () => {
      const index = filled();
      const one = job(101, "a");
      index.add(one);
      index.delete(job(102, "a"));
      assert.equal(index.find("a"), 101);
    });
  });
}

test("a thousand jobs are not asked each for a name that one of them defines", () => {
  const index = new DefinitionIndex();
  const jobs = Array.from({ length: 1000 }, (_, i) => job(i, `f${i}`));
  for (const each of jobs) index.add(each);
  assert.equal(index.find("f999"), 999);
  assert.equal(index.find("nowhere"), undefined);
  const asked = jobs.reduce((sum, each) => sum + each.asked, 0);
  assert.equal(asked, 1);
});
