import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import { callInt, readerOf, sessionFor, ways } from "./sessions.ts";

/** One file in two versions: what differs is `STEP`. */
const source = `
int total;                         /* .bss, known everywhere */
static int calls = 100;            /* .data */
int table[4] = { 1, 2, 3, 4 };
static int (*volatile pointer)(void);
static const char *name = "first";
__attribute__((noinline)) int step(void) { static int count; calls++; return total += STEP + table[0] + ++count * 1000; }
static __attribute__((noinline)) int hidden(void) { return STEP * 10; }
int take(void) { pointer = hidden; return pointer != 0; }
int through_pointer(void) { return pointer(); }
int count_calls(void) { return calls; }
int first_letter(void) { return name[0]; }
`;
const user = `
int step(void);
extern int total, table[4];
int (*volatile keep)(void) = step;
int call(void) { return step(); }
int call_kept(void) { return keep(); }
int set(void) { table[0] = 50; total = 0; return 0; }
int is_same(void) { return keep == step; }
`;

const compilers: readonly (readonly string[])[] = [
  ["gcc", "-O2"],
  ["gcc", "-O2", "-fPIC"],
  ["gcc", "-O2", "-fno-pic"],
  ["gcc", "-O0"],
  ["gcc", "-O2", "-fPIC", "-mcmodel=large"],
  ["gcc", "-O2", "-ffunction-sections", "-fdata-sections"],
  ["clang-22", "-O2"],
  ["clang-22", "-O2", "-fPIC"],
  ["clang-22", "-O2", "-fno-pic"],
  ["clang-22", "-O2", "-ffunction-sections", "-fdata-sections"],
];

for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
  describe(`a new version of an object ${way}`, () => {
    for (const [compiler, ...flags] of compilers) {
      test(`has the old one's data and its callers: ${compiler} ${flags.join(" ")}`, async (context) => {
        const { session, dylib } = await sessionFor(context, way);
        const version = async (step: number) =>
          readerOf(await compile([compiler!, `-DSTEP=${step}`, ...flags], "step.c", source), "step.o");
        await session.addReplaceableObject(dylib, await version(1));
        dylib.addObject(readerOf(await compile([compiler!, ...flags], "user.c", user), "user.o"));
        const names = ["call", "call_kept", "take", "through_pointer", "count_calls", "is_same", "set", "first_letter"];
        const found = Object.fromEntries(await session.lookup(dylib, names));
        const call = (name: string) => callInt(session, found[name]!);
        assert.deepEqual([await call("call"), await call("call_kept")], [1002, 3004]);
        assert.deepEqual([await call("take"), await call("through_pointer")], [1, 10]);
        await call("set");
        const done = await session.replace(dylib, await version(2));
        assert.deepEqual(done.warnings, []);
        assert.deepEqual(done.added, []);
        assert.deepEqual(done.gone, []);
        // The assembler resolves the distance of a function in the same section by itself: the pointer is the old one for good.
        const followed = flags.includes("-ffunction-sections") || flags.includes("-fno-pic");
        assert.ok(done.replaced.includes("step"));
        assert.equal(done.replaced.includes("step.o:hidden"), followed);
        // 50 was written into the table, and the static count goes on.
        assert.deepEqual([await call("call"), await call("call_kept")], [3052, 3052 + 4052]);
        assert.deepEqual([await call("through_pointer"), await call("is_same")], [followed ? 20 : 10, 1]);
        assert.deepEqual([await call("count_calls"), await call("first_letter")], [104, 0x66]);
        await session.replace(dylib, await version(3));
        assert.equal(await call("call"), 3052 + 4052 + 5053);
        assert.equal(await call("through_pointer"), followed ? 30 : 10);
      });
    }
  });
}
