import assert from "node:assert/strict";
import { test } from "node:test";
import { SlablinkError } from "../../src/errors.ts";
import { compile } from "../support/compile.ts";
import { runIn } from "../support/slablink.ts";
import { linkPlainly } from "./plain-job.ts";
import { referenceLink, sectionBytes } from "./reference-link.ts";

test("frames of dropped functions do not keep a job from living beyond 4 GiB", async () => {
  const source = "template <class T> __attribute__((noinline)) int twice(T x) { return 2 * x; }\n";
  const objects = [
    await compile(["gcc", "-O0", "-fPIC"], "one.cc", `${source}int one() { return twice(1); }\n`),
    await compile(["gcc", "-O0", "-fPIC"], "two.cc", `${source}int two() { return twice(2); }\n`),
  ];
  const job = await linkPlainly(objects, { base: 0x7f12_3450_0000 });
  assert.ok(job.address("_Z3twov") > 0x7f12_3450_0000);
});

test("bounds of a set of thread-local sections are refused cleanly", async () => {
  const text = `.data\n.quad __start_set, __stop_set\n.section set,"awT",@progbits\n.quad 1\n`;
  await assert.rejects(linkPlainly([await compile(["gcc"], "set.s", text)]), (error) => error instanceof SlablinkError);
});

test("the address of an indirect function is the same through the GOT and in data", async () => {
  const source = `#include <stdio.h>
static int implementation(void) { return 3; }
void *resolve(void) { return implementation; }
int f(void) __attribute__((ifunc("resolve")));
int (*volatile in_data)(void) = f;
int (*get(void))(void) { return f; }
int main(void) { printf("%d %d\\n", get() == in_data, f()); return 0; }
`;
  const object = await compile(["gcc", "-O1", "-fPIC"], "indirect.c", source);
  assert.deepEqual(await runIn("shared", [object]), { status: 0, stdout: "1 3\n", stderr: "" });
});

test("a jump through the GOT at a section's end becomes direct", async () => {
  const text = ".globl f\n.text\nf: nop\n jmp *f@GOTPCREL(%rip)\n";
  const job = await linkPlainly([await compile(["gcc"], "tail.s", text)]);
  assert.deepEqual([...job.bytesOf(".text")], [0x90, 0xe9, 0xfa, 0xff, 0xff, 0xff, 0x90]);
});

test("initial-exec loads of the job's own variables become direct", async () => {
  const text = '.text\n mov v@gottpoff(%rip), %rax\n add v@gottpoff(%rip), %r9\n.section .tdata,"awT"\nv: .quad 1\n';
  const object = await compile(["gcc"], "initial.s", text);
  const job = await linkPlainly([object]);
  const reference = await referenceLink([object], job, [".text"]);
  assert.equal(
    Buffer.from(job.bytesOf(".text")).toString("hex"),
    (await sectionBytes(reference, ".text")).toString("hex"),
  );
});
