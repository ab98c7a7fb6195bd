import assert from "node:assert/strict";
import { test } from "node:test";
import { linkPlainly, readerOf } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { runIn } from "../support/slablink.ts";

const variants = [
  ["int v = 3;", "extern __thread int v; int f(void) { return v; }", "referenced by b.o", "defined in a.o"],
  ["__thread int v = 3;", "extern int v; int f(void) { return v; }", "defined in a.o", "referenced by b.o"],
  [
    "extern int v; int *f(void) { return &v; }",
    "extern __thread int v; int g(void) { return v; }",
    "referenced by b.o",
    "referenced by a.o",
  ],
] as const;

test("a variable that is thread-local for one object and not for another is refused, as GNU ld does", async () => {
  for (const [a, b, threadLocal, ordinary] of variants) {
    const objects = [await compile(["gcc", "-fPIC"], "a.c", a), await compile(["gcc", "-fPIC"], "b.c", b)];
    await assert.rejects(mustRun("ld", ["-shared", "-o", "/dev/null", ...objects]), /mismatches/);
    await assert.rejects(linkPlainly([readerOf(objects[0], "a.o"), readerOf(objects[1], "b.o")]), {
      code: "link",
      message: `v is thread-local in one place and not in another\n>>> as thread-local ${threadLocal}\n>>> as an ordinary symbol ${ordinary}`,
    });
  }
});

test("errno without its header is refused", async () => {
  const object = await compile(["gcc", "-fPIC"], "errno.c", "extern int errno; int main(void) { return errno; }");
  const { status, stderr } = await runIn("shared", [object]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /errno is thread-local in one place and not in another\n>>> as thread-local defined in the C library/,
  );
});
