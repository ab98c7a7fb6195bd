import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ObjectContents, writeObject } from "slablink";
import { mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";

const [SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR] = [1, 2, 4];
const [STB_LOCAL, STB_WEAK] = [0, 2];
const [STT_OBJECT, STT_FUNC, STT_SECTION] = [1, 2, 3];
const [R_X86_64_64, R_X86_64_PLT32] = [1, 4];

const contents: ObjectContents = {
  sections: [
    {
      name: ".text",
      flags: SHF_ALLOC + SHF_EXECINSTR,
      alignment: 16,
      // main: sub rsp,8; call twice; add rsp,8; ret       twice: lea eax,[rdi+rdi]; ret
      contents: new Uint8Array([
        0x48, 0x83, 0xec, 0x08, 0xbf, 0x15, 0x00, 0x00, 0x00, 0xe8, 0, 0, 0, 0, 0x48, 0x83, 0xc4, 0x08, 0xc3, 0x90,
        0x8d, 0x04, 0x3f, 0xc3,
      ]),
      relocations: [{ offset: 10, type: R_X86_64_PLT32, symbol: 2, addend: -4 }],
    },
    {
      name: ".data",
      flags: SHF_ALLOC + SHF_WRITE,
      alignment: 8,
      contents: new Uint8Array(16),
      relocations: [
        { offset: 0, type: R_X86_64_64, symbol: 5, addend: 0x1_0000_0002 },
        { offset: 8, type: R_X86_64_64, symbol: 0, addend: -1 },
      ],
    },
    { name: ".bss", flags: SHF_ALLOC + SHF_WRITE, alignment: 32, contents: 4096 },
    { name: ".note.GNU-stack", contents: new Uint8Array(0) },
  ],
  symbols: [
    { name: "", section: 0, type: STT_SECTION, binding: STB_LOCAL },
    { name: "main", section: 0, size: 19, type: STT_FUNC },
    { name: "twice", section: 0, value: 20, size: 4, type: STT_FUNC, binding: STB_LOCAL },
    { name: "table", section: 1, size: 16, type: STT_OBJECT, visibility: 2 },
    { name: "room", section: 2, value: 8, size: 4088, type: STT_OBJECT, binding: STB_WEAK },
    { name: "elsewhere", binding: STB_WEAK },
    { name: "number", section: "absolute", value: 0x1234_5678_9abc },
  ],
};

function written(object: ObjectContents): string {
  const path = join(freshDirectory(), "written.o");
  writeFileSync(path, writeObject(object));
  return path;
}

/** Lines of readelf's without runs of blanks. */
const lines = (text: string) => text.split("\n").map((line) => line.trim().replace(/\s+/g, " "));

test("readelf reads what is written", async () => {
  const path = written(contents);
  const text = await mustRun("readelf", ["-W", "-h", "-S", "-s", "-r", path]);
  assert.doesNotMatch(text, /warning|error|<corrupt/i);
  const all = lines(text);
  for (const expected of [
    "Type: REL (Relocatable file)",
    "Number of section headers: 10",
    "[ 1] .text PROGBITS 0000000000000000 000040 000018 00 AX 0 0 16",
    "[ 2] .data PROGBITS 0000000000000000 000058 000010 00 WA 0 0 8",
    "[ 3] .bss NOBITS 0000000000000000 000080 001000 00 WA 0 0 32",
    "[ 4] .note.GNU-stack PROGBITS 0000000000000000 000080 000000 00 0 0 1",
    "[ 5] .rela.text RELA 0000000000000000 000080 000018 18 I 7 1 8",
    "[ 6] .rela.data RELA 0000000000000000 000098 000030 18 I 7 2 8",
    "[ 7] .symtab SYMTAB 0000000000000000 0000c8 0000c0 18 8 3 8",
    "1: 0000000000000000 0 SECTION LOCAL DEFAULT 1 .text",
    "2: 0000000000000014 4 FUNC LOCAL DEFAULT 1 twice",
    "3: 0000000000000000 19 FUNC GLOBAL DEFAULT 1 main",
    "4: 0000000000000000 16 OBJECT GLOBAL HIDDEN 2 table",
    "5: 0000000000000008 4088 OBJECT WEAK DEFAULT 3 room",
    "6: 0000000000000000 0 NOTYPE WEAK DEFAULT UND elsewhere",
    "7: 0000123456789abc 0 NOTYPE GLOBAL DEFAULT ABS number",
    "000000000000000a 0000000200000004 R_X86_64_PLT32 0000000000000014 twice - 4",
    "0000000000000000 0000000600000001 R_X86_64_64 0000000000000000 elsewhere + 100000002",
    "0000000000000008 0000000100000001 R_X86_64_64 0000000000000000 .text - 1",
  ]) {
    assert.ok(all.includes(expected), `${expected}\nis not in\n${text}`);
  }
});

test("the system's linker makes a program of what is written", async () => {
  const path = written(contents);
  await mustRun("cc", [path, "-no-pie", "-o", `${path}.out`]);
  await assert.rejects(mustRun(`${path}.out`, []), /^Error: status 42 /);
});

test("indices that lead nowhere are refused", () => {
  const section = { name: ".text", contents: new Uint8Array(8) };
  const relocation = { offset: 0, type: R_X86_64_64, symbol: 0, addend: 0 };
  const symbol = { name: "f", section: 0 };
  const refused = (object: ObjectContents, message: RegExp) =>
    assert.throws(() => writeObject(object), { name: "RangeError", message });
  refused({ sections: [{ ...section, relocations: [relocation] }], symbols: [] }, /names symbol 0 of 0/);
  refused(
    { sections: [{ ...section, relocations: [{ ...relocation, offset: 8 }] }], symbols: [symbol] },
    /\.text: a relocation at 8 in 8 bytes/,
  );
  refused({ sections: [section], symbols: [{ ...symbol, section: 1 }] }, /symbol f is in section 1 of 1/);
  const many = Array.from({ length: 0xff00 }, () => section);
  refused({ sections: many, symbols: [] }, /an object of 65284 sections: 65279 is the most/);
});
