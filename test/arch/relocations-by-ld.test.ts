import assert from "node:assert/strict";
import { test } from "node:test";
import { linkPlainly } from "../link/plain-job.ts";
import { referenceLink, sectionBytes } from "../link/reference-link.ts";
import { compile } from "../support/compile.ts";

/** Fields of every type that GNU ld writes the same way whatever else it decides, beside the symbols that they refer to. */
const source = `
  .globl _start, global_data, weak_function, far, low8
  .weak weak_function, absent
  .text
_start:
  nop
1:
  .byte 0
  .reloc 1b, R_X86_64_PC8, 2f - 0x20
  call weak_function
  call far
  call *call_target@GOTPCREL(%rip)
  jmp *call_target@GOTPCREL(%rip)
  lea global_data(%rip), %rax
  mov global_data+8(%rip), %rax
  movl $7, global_data+12(%rip)
  mov $global_data, %eax
  mov $global_data+4, %rax
  mov table(,%rax,8), %rcx
  movabs $far, %rax
  movabs $_GLOBAL_OFFSET_TABLE_ - ., %rax
  lea _GLOBAL_OFFSET_TABLE_(%rip), %rbx
  movabs $global_data@GOTOFF, %rcx
  movabs $local_data@GOTOFF + 24, %rcx
  movabs $weak_function@PLTOFF, %rdx
  movl $global_data@SIZE, %ecx
  movabs $global_data@SIZE + 2, %rcx
2:
weak_function:
call_target:
  ret
  .section .rodata,"a"
table:
  .quad _start, 1b - ., global_data + 0x1000000000, low8, absent
  .long _start, _start - ., low8, absent
  .short low8, 2b - 1b
  .reloc ., R_X86_64_PC16, table + 0x100
  .short 0
  .reloc ., R_X86_64_16, low8 - 0x70
  .short 0
  .byte low8, 2b - 1b
  .reloc ., R_X86_64_PC8, table + 0x20
  .byte 0
  .reloc ., R_X86_64_8, low8 - 0x60
  .byte 0
  .data
  .quad 1
local_data: .quad local_data, table - ., . - 4
  .type global_data, @object
  .size global_data, 0x1234
global_data: .quad global_data
`;

const externals = { far: 0x5100_0000, low8: 0x5a };

test("fields and relaxed branches are GNU ld's, byte for byte", async () => {
  const object = await compile(["gcc"], "fields.s", source);
  const job = await linkPlainly([object], { externals });
  const sections = [".text", ".rodata", ".data"];
  const reference = await referenceLink([object], job, sections, { externals });
  for (const name of sections) {
    assert.deepEqual(
      Buffer.from(job.bytesOf(name)).toString("hex"),
      (await sectionBytes(reference, name)).toString("hex"),
      name,
    );
  }
});

test("GOT loads become what GNU ld makes of them in a PIE", async () => {
  const loads = ["rax", "rbx", "rsp", "rbp", "r8", "r12", "r13", "r15"].map(
    (register) => `mov variable@GOTPCREL(%rip), %${register}`,
  );
  const object = await compile(
    ["gcc"],
    "loads.s",
    `.globl _start, variable\n.hidden variable\n.text\n_start:\n${loads.join("\n")}
    mov variable@GOTPCREL(%rip), %ecx
    mov variable@GOTPCREL(%rip), %r9d
    call *_start@GOTPCREL(%rip)
    jmp *_start@GOTPCREL(%rip)
    .zero 8
    .data\n.zero 32\nvariable: .quad 0\n`,
  );
  const job = await linkPlainly([object]);
  const reference = await referenceLink([object], job, [".text", ".data"], { flags: ["-pie", "--no-dynamic-linker"] });
  assert.equal(
    Buffer.from(job.bytesOf(".text")).toString("hex"),
    (await sectionBytes(reference, ".text")).toString("hex"),
  );
});
