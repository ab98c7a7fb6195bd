import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SectionKind } from "../../src/graph/section-table.ts";
import { linkPlainly, type PlainJob } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";

const assemble = (text: string): Promise<string> => compile(["gcc"], "group.s", text);

const group = (value: number, before = ""): string => `
  .section .text.f,"axG",@progbits,f,comdat
  .weak f
  ${before}
f: mov $${value}, %eax
  ret
  .section .rodata.f,"aG",@progbits,f,comdat
  .long ${value}
  .data
  .quad f
`;

function kinds(job: PlainJob, name: string): number[] {
  return job.job.tables.graphs.map((_, input) => job.job.tables.sections.kind[job.section(name, input)]);
}

describe("COMDAT groups", () => {
  test("the first of a signature is kept, all members of the others are dropped", async () => {
    const job = await linkPlainly([
      await assemble(group(1)),
      await assemble(group(2, "nop")),
      await assemble(group(3)),
    ]);
    const { code, readOnly, discarded } = SectionKind;
    assert.deepEqual(kinds(job, ".text.f"), [code, discarded, discarded]);
    assert.deepEqual(kinds(job, ".rodata.f"), [readOnly, discarded, discarded]);
  });

  test("symbols of dropped members stand for the kept ones", async () => {
    const job = await linkPlainly([await assemble(group(1)), await assemble(group(2, "nop"))]);
    const kept = job.addressOfSection(".text.f", 0);
    assert.equal(job.address("f"), kept);
    assert.equal(job.u64At(job.addressOfSection(".data", 0)), kept);
    assert.equal(job.u64At(job.addressOfSection(".data", 1)), kept);
  });

  test("groups of different signatures, and groups that are not COMDAT, are all kept", async () => {
    const plain = (n: number): string => `.section .text.p,"axG",@progbits,p\n .globl p${n}\np${n}: ret\n`;
    const job = await linkPlainly([await assemble(plain(1)), await assemble(plain(2))]);
    assert.deepEqual(kinds(job, ".text.p"), [SectionKind.code, SectionKind.code]);
  });

  test("a signature may be a local symbol: clang's C5 and D5 groups, and section symbols", async (t) => {
    if (!has(t, "clang-22")) return;
    const source = "struct A { A(); virtual ~A(); }; struct B : A { B() {} ~B() {} }; A *make() { return new B; }\n";
    const users = await Promise.all(
      ["a", "b"].map((name) => compile(["clang-22", "-O0", "-fPIC"], `${name}.cc`, `${source}int ${name};\n`)),
    );
    const externals = Object.fromEntries(
      [
        "_ZN1AC2Ev",
        "_ZN1AD2Ev",
        "_Znwm",
        "_ZdlPv",
        "_ZdlPvm",
        "__gxx_personality_v0",
        "_Unwind_Resume",
        "_ZTI1A",
        "_ZTVN10__cxxabiv120__si_class_type_infoE",
      ].map((name, i) => [name, 0x4000_0000 + 16 * i]),
    );
    const duplicate = linkPlainly(users, { externals });
    // Both define make(): that, and nothing of the groups, is the duplicate.
    await assert.rejects(duplicate, (error: Error) => {
      assert.match(error.message, /^duplicate symbol: _Z4makev\n>>> defined in .*\n>>> defined in [^\n]*$/);
      return true;
    });
  });

  test("a reference to a dropped local symbol from outside its group is an error that says so", async () => {
    const outside = (n: number): string => `
  .section .text.f,"axG",@progbits,f,comdat
  .weak f
f: ret
inner: ret
  .section .text.user${n},"ax",@progbits
  call inner
`;
    const second = await assemble(outside(2));
    await assert.rejects(linkPlainly([await assemble(outside(1)), second]), {
      code: "relocation",
      message: `${second}:(.text.user2+0x1): R_X86_64_PC32 refers to inner, which is defined in a discarded section`,
    });
  });
});

describe(".gnu.linkonce sections", () => {
  const once = (value: number): string => `
  .section .gnu.linkonce.t.f,"ax",@progbits
  .weak f
f: mov $${value}, %eax
  ret
  .section .gnu.linkonce.d.v,"aw",@progbits
  .weak v
v: .quad ${value}
`;

  test("are kept once by their names", async () => {
    const job = await linkPlainly([await assemble(once(1)), await assemble(once(2))]);
    assert.deepEqual(kinds(job, ".gnu.linkonce.t.f"), [SectionKind.code, SectionKind.discarded]);
    assert.equal(job.u64At(job.address("v")), 1);
  });
});
