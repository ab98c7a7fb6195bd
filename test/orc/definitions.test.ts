import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { linkPlainly, readerOf } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";

const assemble = (text: string): Promise<string> => compile(["gcc"], "symbol.s", text);

const strong = ".globl x\n.data\nx: .quad 1\n";
const weak = ".weak x\n.data\n.quad 0\nx: .quad 2\n";
const unique = '.type x, @gnu_unique_object\n.globl x\n.section .data.u,"awG",@progbits,x,comdat\nx: .quad 3\n';
const common = ".comm x, 16, 8\n";
const reference = ".globl _start\n.data\n_start: .quad x\n";

describe("which of several definitions a name stands for", () => {
  const cases: [name: string, inputs: string[], winner: [input: number, section: string, offset: number]][] = [
    ["a strong one before a weak one", [strong, weak], [0, ".data", 0]],
    ["a strong one after a weak one", [weak, strong], [1, ".data", 0]],
    ["the first of weak ones", [`.data\n.quad 9\n${weak}`, weak], [0, ".data", 16]],
    ["the first of unique ones", [unique, `.globl y\ny=1\n${unique}`], [0, ".data.u", 0]],
    ["a strong one before a common one", [strong, common], [0, ".data", 0]],
    ["a strong one after a common one", [common, strong], [1, ".data", 0]],
  ];
  for (const [name, inputs, [input, section, offset]] of cases) {
    test(name, async () => {
      const job = await linkPlainly([...(await Promise.all(inputs.map(assemble))), await assemble(reference)]);
      const expected = job.addressOfSection(section, input) + offset;
      assert.equal(job.address("x"), expected);
      // Every reference, from whatever file, has the same value.
      assert.equal(job.u64At(job.address("_start")), expected);
    });
  }

  test("two strong ones are an error that names both places", async () => {
    const [a, b] = [await assemble(strong), await assemble(`${strong} .quad 2\n`)];
    await assert.rejects(linkPlainly([readerOf(a, "a.o"), readerOf(b, "lib.a(b.o)")]), {
      code: "duplicate-symbol",
      message: "duplicate symbol: x\n>>> defined in a.o\n>>> defined in lib.a(b.o)",
    });
  });

  test("two absolute ones are one when they agree, to the last of 64 bits", async () => {
    const value = (text: string) => assemble(`.globl x\nx = ${text}\n`);
    const large = "0x123456789abcdef1";
    const job = await linkPlainly([await value(large), await value(`${large} + 0`), await assemble(reference)]);
    assert.equal(job.u64At(job.address("_start")) > 0, true);
    for (const other of ["0x123456789abcdef2", "5"]) {
      await assert.rejects(linkPlainly([await value(large), await value(other)]), { code: "duplicate-symbol" });
    }
  });

  test("a weak one that loses is not the address that its own file uses", async () => {
    const user = await assemble(`${weak} .globl _start\n_start: .quad x\n`);
    const job = await linkPlainly([user, await assemble(strong)]);
    assert.equal(job.u64At(job.address("_start")), job.addressOfSection(".data", 1));
  });

  test("a weak reference that nothing defines is zero", async () => {
    const job = await linkPlainly([await assemble(".weak x\n.globl _start\n.data\n_start: .quad x, x + 8\n")]);
    assert.deepEqual([job.u64At(job.address("_start")), job.u64At(job.address("_start") + 8)], [0, 8]);
  });

  test("an absolute symbol keeps its value wherever the job is", async () => {
    const job = await linkPlainly([await assemble(`.globl x\nx = 0x123456789\n`), await assemble(reference)]);
    assert.equal(job.u64At(job.address("_start")), 0x1_2345_6789);
  });
});

describe("common symbols", () => {
  test("become zero-fill of the largest size and alignment that any file asks for", async () => {
    const first = await assemble(".comm x, 24, 4\n.comm after, 8, 8\n");
    const second = await assemble(`.comm x, 100, 256\n.comm before, 1, 1\n${reference}`);
    const job = await linkPlainly([first, second, await assemble(".comm x, 8, 16\n.bss\n.zero 3\n")]);
    const { layout } = job.job;
    const [x, after, before] = ["x", "after", "before"].map((name) => job.address(name));
    assert.equal(x % 256, 0);
    assert.equal(job.u64At(job.address("_start")), x);
    for (const [address, size] of [
      [x, 100],
      [after, 8],
      [before, 1],
    ]) {
      assert.ok(address >= layout.zeroFill.address && address + size <= layout.zeroFill.address + layout.zeroFill.size);
    }
    const apart = (a: number, aSize: number, b: number, bSize: number): boolean => a + aSize <= b || b + bSize <= a;
    assert.ok(apart(x, 100, after, 8) && apart(x, 100, before, 1) && apart(after, 8, before, 1));
  });

  test("of alignment 64 KiB are placed on such an address", async () => {
    const job = await linkPlainly([await assemble(".comm x, 1, 65536\n.data\n.quad x\n")]);
    assert.equal(job.address("x") % 65536, 0);
  });
});

describe("undefined names", () => {
  test("are reported all at once, sorted, with who refers to them", async () => {
    const a = await assemble(".text\n call missing_b\n call missing_a\n call missing_a\n");
    const b = await assemble(".data\n.quad missing_a, missing_a, missing_a\n");
    await assert.rejects(linkPlainly([readerOf(a, "a.o"), readerOf(b, "b.o")]), {
      code: "undefined-symbol",
      message:
        "undefined symbol: missing_a\n" +
        ">>> referenced by a.o:(.text+0x6)\n>>> referenced by a.o:(.text+0xb)\n>>> referenced by b.o:(.data+0x0)\n" +
        ">>> referenced 2 more times\n" +
        "undefined symbol: missing_b\n>>> referenced by a.o:(.text+0x1)",
    });
  });

  test("are no error where they are only declared", async () => {
    const group = (text: string) => `.section .text.g, "axG", @progbits, g, comdat\n${text}`;
    const [first, second] = [group("ret\n"), group(".globl only_here\nonly_here: ret\n")];
    const job = await linkPlainly([await assemble(first), await assemble(second)]);
    assert.equal(job.job.tables.graphs.length, 2);
    const user = await assemble(".data\n.quad only_here\n");
    await assert.rejects(
      linkPlainly([await assemble(first), await assemble(second), user]),
      /undefined symbol: only_here/,
    );
  });

  test("with hidden visibility are not looked for outside", async () => {
    const a = await assemble(".hidden x\n.data\n.quad x\n");
    await assert.rejects(linkPlainly([a], { externals: { x: 0x1234 } }), { code: "undefined-symbol" });
  });
});
