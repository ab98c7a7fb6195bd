import assert from "node:assert/strict";
import { test } from "node:test";
import { linkPlainly, readerOf } from "../link/plain-job.ts";
import { referenceLink, sectionBytes } from "../link/reference-link.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";

/** Own variables by name (general dynamic), several of the file's own (local dynamic), in registers of all kinds. */
const source = `
__thread int first = 5;
__thread long second __attribute__((aligned(64)));
static __thread char third = 1, fourth;
static __thread long fifth[3];
extern __thread int first;
int *of_first(void) { return &first; }
long of_second(int n) { return n + second; }
int local(int n) { third += n; return third + fourth + (int)fifth[n & 1]++; }
void both(long **a, char **b, int n) { while (n--) { *a++ = &second + first; *b++ = &third + fourth; } }
long many(long a, long b, long c, long d, long e, long f, long g) {
  return a * first + b * second + c * third + d * fourth + e * fifth[0] + f * fifth[1] + g * (long)&first;
}
`;

const externals = { __tls_get_addr: 0x5100_0000 };
const compilers = ["gcc", "clang-22"];
const variants = [
  ["-fPIC"],
  ["-fPIC", "-fno-plt"],
  ["-fPIC", "-mtls-dialect=gnu2"],
  ["-fPIC", "-mtls-dialect=gnu2", "-fno-plt"],
  ["-fPIC", "-mcmodel=large"],
  ["-fPIC", "-mcmodel=medium"],
  // Initial-exec loads stay loads here, so these two are held to the direct form.
  ["-fPIE", "-ftls-model=local-exec"],
  ["-fno-pic", "-ftls-model=local-exec"],
];

for (const compiler of compilers) {
  for (const flags of variants) {
    for (const level of ["-O0", "-O2"]) {
      const words = [compiler, level, ...flags, "-fno-asynchronous-unwind-tables", "-fno-stack-protector"];
      test(`thread-local sequences become GNU ld's: ${words.slice(0, -2).join(" ")}`, async (t) => {
        if (!has(t, compiler)) return;
        const object = await compile(words, "tls.c", source);
        const job = await linkPlainly([object], { externals });
        const sections = flags.includes("-mcmodel=large") && compiler === "clang-22" ? [".ltext"] : [".text"];
        const reference = await referenceLink([object], job, sections, { externals });
        for (const name of sections) {
          assert.equal(
            Buffer.from(job.bytesOf(name)).toString("hex"),
            (await sectionBytes(reference, name)).toString("hex"),
          );
        }
      });
    }
  }
}

test("descriptors in any register become GNU ld's direct form", async () => {
  const text = `
  .globl first
  .text
  lea first@tlsdesc(%rip), %rax
  call *first@tlscall(%rax)
  lea first@tlsdesc(%rip), %rdi
  lea second@tlsdesc(%rip), %r9
  lea second@tlsdesc(%rip), %r15
  call *second@tlscall(%rax)
  .section .tbss,"awT",@nobits
  .zero 8
first: .zero 4
second: .zero 4
`;
  const object = await compile(["gcc"], "descriptors.s", text);
  const job = await linkPlainly([object]);
  const reference = await referenceLink([object], job, [".text"]);
  assert.equal(
    Buffer.from(job.bytesOf(".text")).toString("hex"),
    (await sectionBytes(reference, ".text")).toString("hex"),
  );
});

for (const [name, type, text] of [
  ["general dynamic", "R_X86_64_TLSGD", "lea first@tlsgd(%rip), %rsi\n call __tls_get_addr@PLT"],
  ["local dynamic", "R_X86_64_TLSLD", "lea first@tlsld(%rip), %rsi\n call __tls_get_addr@PLT"],
  ["descriptor", "R_X86_64_GOTPC32_TLSDESC", "add first@tlsdesc(%rip), %rax"],
] as const) {
  test(`other instructions than the ABI's are refused: ${name}`, async () => {
    const object = await compile(
      ["gcc"],
      `odd-${type}.s`,
      `.text\n nop\n ${text}\n .section .tdata,"awT"\nfirst: .long 1\n`,
    );
    await assert.rejects(linkPlainly([readerOf(object, "odd.o")], { externals }), {
      code: "relocation",
      message: `odd.o:(.text+0x4): ${type}: the instructions here are not one of the ABI's sequences`,
    });
  });
}

test("a thread-local sequence that its section cuts off is refused", async () => {
  const text = `
  .text
  .byte 0x66
  lea v@tlsgd(%rip), %rdi
  .byte 0x66
  .reloc ., R_X86_64_NONE
  .section .text.b,"ax"
  .quad 0x1122334455667788, 0x1122334455667788
  .section .tdata,"awT"
v: .quad 1
`;
  const object = await compile(["gcc"], "cut.s", text);
  await assert.rejects(linkPlainly([readerOf(object, "cut.o")]), {
    code: "relocation",
    message: "cut.o:(.text+0x4): R_X86_64_TLSGD: the instructions here are not one of the ABI's sequences",
  });
});

test("a descriptor's call that is none is refused", async () => {
  const text = `
  .text
  lea v@tlsdesc(%rip), %rax
  .reloc ., R_X86_64_TLSDESC_CALL, v
  nop
  ret
  .section .tdata,"awT"
v: .quad 1
`;
  await assert.rejects(linkPlainly([await compile(["gcc"], "no-call.s", text)]), {
    code: "relocation",
    message:
      /no-call\.o:\(\.text\+0x7\): R_X86_64_TLSDESC_CALL: the instructions here are not one of the ABI's sequences/,
  });
});

test("a sequence whose call is none of its own relocations' is refused", async () => {
  // Sorted otherwise, as by hand: what follows the field belongs to other code.
  const text = `
  .text
_start:
  .byte 0x66
  lea v@tlsgd(%rip), %rdi
  .byte 0x66, 0x66, 0x48, 0xe8
  .long 0
  .reloc ., R_X86_64_PC32, _start
  .zero 8
  .section .tdata,"awT"
v: .quad 1
`;
  await assert.rejects(linkPlainly([readerOf(await compile(["gcc"], "foreign-call.s", text), "foreign-call.o")]), {
    code: "relocation",
    message: "foreign-call.o:(.text+0x4): R_X86_64_TLSGD: the instructions here are not one of the ABI's sequences",
  });
});
