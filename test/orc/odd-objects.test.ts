import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SectionKind } from "../../src/graph/section-table.ts";
import { undefinedNamesOf } from "../link/externals-of.ts";
import { linkPlainly, type PlainJob } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";

const c = `#include <stdio.h>
#include <math.h>
static double state[16];
extern int shared; int shared = 3;
const char *const words[] = {"one", "two"};
__thread int local;
int choose(int n) { switch (n) { case 0: return 5; case 1: return 9; case 2: return 1; case 3: return 7; case 4: return 3; } return local; }
double work(int n) { for (int i = 0; i < 16; i++) state[i] += sin(n * i) * shared; return state[n & 15]; }
int main(int argc, char **argv) { printf("%s %f %d\\n", words[argc & 1], work(argc), choose(argc)); return 0; }
`;

describe("what clang-22 makes for each code model and level links", () => {
  for (const model of ["small", "medium", "large", "kernel"]) {
    for (const level of ["-O0", "-O1", "-O2", "-O3"]) {
      for (const position of model === "kernel" ? ["-fno-pic"] : ["-fPIC", "-fPIE", "-fno-pic"]) {
        test(`${model} ${level} ${position}`, async (t) => {
          if (!has(t, "clang-22")) return;
          const object = await compile(["clang-22", `-mcmodel=${model}`, level, position], "model.c", c);
          await linkPlainly([object], { externals: await undefinedNamesOf([object]) });
        });
      }
    }
  }
});

/** What of the first input is in memory: names, kinds and sizes, and where in the stripes of code and read-only data. */
function inMemory({ job }: PlainJob): unknown[] {
  const { sections, graphs } = job.tables;
  const found: unknown[] = [];
  for (let row = 1; row < graphs[0].sectionCount; row++) {
    const kind = sections.kind[row];
    if (kind === SectionKind.none) continue;
    const stripe = kind === SectionKind.code ? job.layout.code : job.layout.readOnly;
    const place = kind <= SectionKind.readOnly ? sections.address[row] - stripe.address : undefined;
    found.push([graphs[0].sectionName(row), kind, sections.size[row], place]);
  }
  return found;
}

describe("debug information and link-time information change nothing", () => {
  for (const flags of [
    ["-g"],
    ["-g", "-gz"],
    ["-g", "-gsplit-dwarf"],
    ["-g3", "-gdwarf-4"],
    ["-flto", "-ffat-lto-objects"],
    ["-g", "-ffunction-sections", "-fdata-sections", "-fmerge-all-constants"],
  ]) {
    test(flags.join(" "), async () => {
      const plain = flags.includes("-ffunction-sections")
        ? ["-ffunction-sections", "-fdata-sections", "-fmerge-all-constants"]
        : [];
      const expected = await compile(["gcc", "-O1", "-fPIC", ...plain], "plain.c", c);
      const object = await compile(["gcc", "-O1", "-fPIC", ...flags], "plain.c", c);
      const externals = await undefinedNamesOf([expected]);
      const [a, b] = [await linkPlainly([expected], { externals }), await linkPlainly([object], { externals })];
      assert.deepEqual(inMemory(b), inMemory(a));
    });
  }
});

describe("objects that have little in them", () => {
  const cases: Record<string, string> = {
    "nothing at all": "",
    "an empty section at the end": '.text\nnop\n.section .last,"aw"\n',
    "only zero-fill": ".bss\n.zero 100\n",
    "only an undefined weak name": ".weak x\n.text\n",
    "only a file name": '.file "a.c"\n',
    "an empty .eh_frame": '.section .eh_frame,"a",@unwind\n',
    "only thread-local zero-fill": '.section .tbss,"awT",@nobits\n.zero 8\n',
    "names that no identifier could be": '.globl "a b", "ü", "$x"\n.text\n"a b": "ü": "$x": ret\n.data\n.quad "a b"\n',
  };
  for (const [name, text] of Object.entries(cases)) {
    test(name, async () => {
      const job = await linkPlainly([await compile(["gcc"], "little.s", text)]);
      assert.equal(job.memory.bytes.length, job.job.layout.size);
    });
  }

  test("no symbol table", async () => {
    const object = join(freshDirectory(), "bare.o");
    copyFileSync(await compile(["gcc"], "bare.s", ".text\n.byte 1, 2, 3\n"), object);
    await mustRun("objcopy", ["--strip-all", object]);
    assert.deepEqual([...(await linkPlainly([object])).bytesOf(".text")], [1, 2, 3]);
  });

  test("output of ld -r of several objects", async () => {
    const parts = [
      await compile(["gcc", "-O1", "-fPIC", "-g"], "one.c", "int two(void); int one(void) { return two() + 1; }\n"),
      await compile(["gcc", "-O1", "-fPIC"], "two.c", "int x = 4; int two(void) { return x; }\n"),
    ];
    const object = join(freshDirectory(), "whole.o");
    await mustRun("ld", ["-r", "-o", object, ...parts]);
    const whole = await linkPlainly([object]);
    // call two: the only direct call, at the same distance as the functions have.
    const one = whole.address("one");
    const call = [...whole.bytesAt(one, 32)].indexOf(0xe8);
    assert.equal(one + call + 5 + whole.i32At(one + call + 1), whole.address("two"));
  });
});

test("thousands of sections of functions, with a constructor order and unwind tables", async () => {
  const count = 3000;
  const functions = Array.from(
    { length: count },
    (_, i) => `int f${i}(int x) { return ${i === 0 ? "x" : `f${i - 1}(x) + ${i}`}; }\n`,
  );
  const object = await compile(["gcc", "-O0", "-fPIC", "-ffunction-sections"], "thousands.c", functions.join(""));
  const job = await linkPlainly([object]);
  const { kind } = job.job.tables.sections;
  assert.ok(kind.filter((each) => each === SectionKind.code).length >= count);
  const [first, second] = [job.address("f0"), job.address("f1")];
  const call = [...job.bytesAt(second, 32)].indexOf(0xe8);
  assert.equal(second + call + 5 + job.i32At(second + call + 1), first);
});
