import assert from "node:assert/strict";
import { test } from "node:test";
import { linkPlainly } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";

// No machine here runs these; what stands in their fields is checked instead.
const source = `
  .globl variable
  .text
  movq variable@GOTPCREL(%rip), %r16
  movq variable@GOTPCREL(%rip), %r31
  addq variable@GOTPCREL(%rip), %r17
  movq thread@gottpoff(%rip), %r20
  addq thread@gottpoff(%rip), %r25
  {nf} addq thread@gottpoff(%rip), %r16
  addq thread@gottpoff(%rip), %r16, %rax
  leaq thread@tlsdesc(%rip), %r18
  leaq thread@tlsdesc(%rip), %r26
  .data
  .zero 24
variable: .quad 7
  .section .tbss,"awT",@nobits
  .zero 16
thread: .quad 0
`;

test("loads with REX2 and EVEX prefixes: of addresses become direct, of offsets read the table", async (t) => {
  if (!has(t, "clang-22")) return;
  const object = await compile(["clang-22", "-mapxf", "-Wa,-mrelax-relocations=yes"], "apx.s", source);
  const job = await linkPlainly([object]);
  const code = Buffer.from(job.bytesOf(".text"));
  const start = job.addressOfSection(".text");
  const found: string[] = [];
  let at = 0;
  for (const [opcode, size] of [
    ["REX2", 8],
    ["REX2", 8],
    ["REX2", 8],
    ["REX2", 8],
    ["REX2", 8],
    ["EVEX", 10],
    ["EVEX", 10],
    ["REX2", 8],
    ["REX2", 8],
  ] as const) {
    const prefix = code[at];
    assert.equal(prefix, opcode === "REX2" ? 0xd5 : 0x62, `instruction at ${at}`);
    const target = start + at + size + code.readInt32LE(at + size - 4);
    const meaning = target === job.address("variable") ? "variable" : `word ${job.u64At(target).toString(16)}`;
    found.push(`${code.toString("hex", at, at + size - 4)} ${meaning}`);
    at += size;
  }
  const address = `word ${job.address("variable").toString(16)}`;
  assert.deepEqual(found, [
    "d5488d05 variable",
    "d54c8d3d variable",
    `d548030d ${address}`,
    "d5488b25 word -8",
    "d54c030d word -8",
    "62e4fc0c0305 word -8",
    "62e4fc180305 word -8",
    "d5488b15 word -8",
    "d54c8b15 word -8",
  ]);
});
