import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { trailingBytes } from "../../src/arch/x86_64-trailing.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { ObjectSymbols } from "../../src/orc/replace/object-symbols.ts";
import { relocationsOf } from "../../src/orc/replace/relocations.ts";
import { compile } from "../support/compile.ts";

/** Instructions and how many bytes follow their displacement; the assembler's addends are the reference. */
const instructions = [
  ...["movl x(%rip), %eax", "movq %rax, x(%rip)", "leaq x(%rip), %r9", "incl x(%rip)", "call x", "jmp x", "jne x"],
  ...["movb $1, x(%rip)", "movw $2, x(%rip)", "movl $3, x(%rip)", "movq $4, x(%rip)", "cmpb $5, x(%rip)"],
  ...["cmpw $600, x(%rip)", "cmpl $7, x(%rip)", "cmpl $800000, x(%rip)", "addq $9, x(%rip)", "testb $1, x(%rip)"],
  ...["testl $1, x(%rip)", "testw $1, x(%rip)", "notl x(%rip)", "imull $3, x(%rip), %eax", "imull $300, x(%rip), %eax"],
  ...["shll $3, x(%rip)", "shll x(%rip)", "btl $3, x(%rip)", "movzbl x(%rip), %eax", "movsd x(%rip), %xmm0"],
  ...[
    "pshufd $1, x(%rip), %xmm0",
    "vmovapd x(%rip), %ymm1",
    "vaddpd x(%rip), %ymm1, %ymm2",
    "roundsd $1, x(%rip), %xmm3",
  ],
  ...[
    "vpermq $1, x(%rip), %ymm0",
    "vshufps $1, x(%rip), %xmm1, %xmm2",
    "xaddl %eax, x(%rip)",
    "lock cmpxchgl %ecx, x(%rip)",
  ],
  ...["movb $0x0f, %al; movl $3, x(%rip)", "movb $0x62, %al; movq %rax, x(%rip)", "movw $7, x+2(%rip)"],
];

test("what follows a displacement is what the assembler has counted, or is not known", async () => {
  const text = `.text\n${instructions.map((each) => `nop; nop; nop; nop; nop\n${each}`).join("\n")}\n`;
  const path = await compile(["gcc"], "trailing.s", text);
  const object = new ObjectSymbols(ByteReader.of(readFileSync(path), "trailing.o"), new SymbolStringPool());
  // gas writes those of branches that it could have shortened in another order.
  const entries = [...relocationsOf(object)].sort((a, b) => a.offset - b.offset);
  assert.equal(entries.length, instructions.length);
  let known = 0;
  for (const [i, { section, offset, addend }] of entries.entries()) {
    const found = trailingBytes(object.contents(section), offset);
    const beyond = instructions[i]!.includes("x+2") ? 2 : 0;
    if (found !== undefined) assert.equal(found, -addend - 4 + beyond, instructions[i]);
    if (found !== undefined) known++;
  }
  // Bytes before an instruction that look like a prefix of it leave it open.
  assert.ok(known >= instructions.length - 6, `${known} of ${instructions.length} are known`);
});
