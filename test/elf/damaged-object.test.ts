import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { ObjectFormatError } from "../../src/errors.ts";
import { definedNames } from "../../src/formats/elf/defined-names.ts";
import { GraphTables } from "../../src/graph/graph-tables.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { compile } from "../support/compile.ts";
import { EditableObject, Sym } from "./editable-object.ts";

const source = `
  .globl main, value
  .text
main:
  lea value(%rip), %rax
  ret
  .data
value: .quad main
  .bss
  .comm shared, 24, 32
  .zero 32
  .section .text.group,"axG",@progbits,group,comdat
  .weak group
group: ret
  .section .tbss,"awT",@nobits
  .zero 8
  .section .note.GNU-stack,"",@progbits
`;

let object: string;
before(async () => {
  object = await compile(["gcc"], "damaged.s", source);
});

/** The object's numbers: 14 or so sections, 8 symbols; read here so that messages can be checked to the letter. */
interface Numbers {
  readonly sections: number;
  readonly symbols: number;
  readonly length: number;
  readonly index: (name: string) => number;
}

type Case = [name: string, edit: (o: EditableObject) => unknown, message: (n: Numbers) => string];

const hexOf = (value: number | bigint): string => `0x${value.toString(16)}`;

function check(cases: readonly Case[]): void {
  for (const [name, edit, message] of cases) {
    test(name, () => {
      const o = EditableObject.read(object);
      const numbers: Numbers = {
        sections: o.sectionCount,
        symbols: o.size(".symtab") / 24,
        length: o.bytes.length,
        index: (section) => EditableObject.read(object).section(section),
      };
      const edited = edit(o);
      const damaged = edited instanceof EditableObject ? edited : o;
      assert.throws(
        () => damaged.graph(),
        (error: Error) => {
          assert.ok(error instanceof ObjectFormatError, error.stack);
          assert.equal(error.code, "format");
          assert.equal(error.message, `test.o: ${message(numbers)}`);
          return true;
        },
      );
    });
  }
}

test("the object is fine before it is damaged", () => {
  assert.equal(EditableObject.read(object).graph().symbolName(EditableObject.read(object).symbolIndex("main")), "main");
});

describe("ELF headers that are refused", () => {
  check([
    ["no magic number", (o) => o.bytes.write("\x7fELG", 0, "latin1"), () => "not an ELF file: bad magic number"],
    ["32-bit class", (o) => o.bytes.writeUInt8(1, 4), () => "ELF class is 32-bit, expected 64-bit (2)"],
    ["unknown class", (o) => o.bytes.writeUInt8(7, 4), () => "ELF class is 7, expected 64-bit (2)"],
    ["big-endian", (o) => o.bytes.writeUInt8(2, 5), () => "byte order is big-endian, expected little-endian"],
    ["unknown byte order", (o) => o.bytes.writeUInt8(9, 5), () => "byte order is 9, expected little-endian"],
    ["unknown version", (o) => o.bytes.writeUInt8(3, 6), () => "ELF version is 3, expected 1"],
    ["another machine", (o) => o.bytes.writeUInt16LE(183, 18), () => "machine is AArch64 (183), expected x86-64 (62)"],
    [
      "no known machine",
      (o) => o.bytes.writeUInt16LE(9999, 18),
      () => "machine is unknown (9999), expected x86-64 (62)",
    ],
    ["an executable", (o) => o.bytes.writeUInt16LE(2, 16), () => "file type is 2, expected a relocatable file (1)"],
    ["no section headers", (o) => o.bytes.writeBigUInt64LE(0n, 40), () => "no section header table"],
    ["section headers of another size", (o) => o.bytes.writeUInt16LE(40, 58), () => "e_shentsize is 40, expected 64"],
    [
      "section headers outside the file",
      (o) => o.bytes.writeBigUInt64LE(0x12_3456n, 40),
      ({ length }) => `section header table at 0x123456 with size 0x40 is outside the file of ${hexOf(length)} bytes`,
    ],
    [
      "an offset that no file has",
      (o) => o.bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 40),
      () => "e_shoff at 0x28 is 2^53 or more",
    ],
    [
      "more section headers than the file has",
      (o) => o.bytes.writeUInt16LE(0xfeff, 60),
      ({ length, sections }) =>
        `section header table of 65279 entries at ${hexOf(length - 64 * sections)} with size 0x3fbfc0 is outside the file of ${hexOf(length)} bytes`,
    ],
    [
      "names in a section that is not there",
      (o) => o.bytes.writeUInt16LE(200, 62),
      ({ sections }) => `e_shstrndx is 200, the file has ${sections} sections`,
    ],
  ]);

  test("a file shorter than a header", () => {
    assert.throws(() => new EditableObject(EditableObject.read(object).bytes.subarray(0, 63)).graph(), {
      message: "test.o: ELF header needs 64 bytes, the file has 63",
    });
  });
});

describe("section headers that are refused", () => {
  check([
    [
      "name outside the names",
      (o) => o.set32(".data", "name", 0x5000),
      ({ index }) =>
        `section ${index(".data")}: sh_name is 0x5000, the name table has ${hexOf(EditableObject.read(object).size(".shstrtab"))} bytes`,
    ],
    [
      "names that are no string table",
      (o) => o.set32(".shstrtab", "type", 1),
      ({ index }) => `section name table: section ${index(".shstrtab")} has type 1, expected a string table (3)`,
    ],
    [
      "names that end without NUL",
      (o) => o.set64(".shstrtab", "size", o.size(".shstrtab") - 1),
      ({ index }) =>
        `section name table: section ${index(".shstrtab")} of ${hexOf(EditableObject.read(object).size(".shstrtab") - 1)} bytes does not end with NUL`,
    ],
    [
      "no names at all",
      (o) => o.set64(".shstrtab", "size", 0),
      ({ index }) => `section name table: section ${index(".shstrtab")} of 0x0 bytes does not end with NUL`,
    ],
    [
      "contents outside the file",
      (o) => o.set64(".data", "offset", 0x9000),
      ({ index, length }) =>
        `section ${index(".data")} (.data): [0x9000, 0x9008) is outside the file of ${hexOf(length)} bytes`,
    ],
    [
      "size beyond the file",
      (o) => o.set64(".data", "size", 0x1_0000_0000),
      ({ index, length }) =>
        `section ${index(".data")} (.data): [${hexOf(EditableObject.read(object).contents(".data"))}, ${hexOf(EditableObject.read(object).contents(".data") + 0x1_0000_0000)}) is outside the file of ${hexOf(length)} bytes`,
    ],
    [
      "alignment that is no power of two",
      (o) => o.set64(".data", "align", 24),
      ({ index }) => `section ${index(".data")} (.data): alignment 0x18 is not a power of two up to 0x40000000`,
    ],
    [
      "absurd alignment",
      (o) => o.set64(".data", "align", 2 ** 40),
      ({ index }) =>
        `section ${index(".data")} (.data): alignment 0x10000000000 is not a power of two up to 0x40000000`,
    ],
    [
      "absurd size of zero-fill",
      (o) => o.set64(".bss", "size", 2 ** 41),
      ({ index }) => `section ${index(".bss")} (.bss): size 0x20000000000 is beyond any address space here`,
    ],
    [
      "compressed contents in memory",
      (o) => o.set64(".data", "flags", 0x803),
      ({ index }) => `section ${index(".data")} (.data): compressed sections cannot be part of a program`,
    ],
    [
      "code without contents",
      (o) => o.set64(".bss", "flags", 0x6),
      ({ index }) => `section ${index(".bss")} (.bss): executable and without contents (SHT_NOBITS)`,
    ],
    [
      "two symbol tables",
      (o) => o.set32(".data", "type", 2),
      ({ index }) => `sections ${index(".data")} and ${index(".symtab")} are both symbol tables`,
    ],
  ]);
});

describe("symbol tables that are refused", () => {
  check([
    [
      "entries of another size",
      (o) => o.set64(".symtab", "entsize", 16),
      ({ symbols }) => `symbol table: size ${hexOf(24 * symbols)} with entries of 16 bytes, expected entries of 24`,
    ],
    [
      "part of an entry",
      (o) => o.set64(".symtab", "size", o.size(".symtab") - 8),
      ({ symbols }) => `symbol table: size ${hexOf(24 * symbols - 8)} with entries of 24 bytes, expected entries of 24`,
    ],
    [
      "names in a section that is not there",
      (o) => o.set32(".symtab", "link", 99),
      ({ sections }) => `symbol table: sh_link is 99, the file has ${sections} sections`,
    ],
    [
      "names in no string table",
      (o) => o.set32(".symtab", "link", o.section(".data")),
      ({ index }) => `symbol name table: section ${index(".data")} has type 1, expected a string table (3)`,
    ],
    [
      "more local symbols than symbols",
      (o) => o.set32(".symtab", "info", 1000),
      ({ symbols }) => `symbol table: sh_info is 1000, the table has ${symbols} symbols`,
    ],
    [
      "global symbols among the local",
      (o) => o.set32(".symtab", "info", o.size(".symtab") / 24),
      ({ symbols }) => {
        const o = EditableObject.read(object);
        const first = Array.from({ length: symbols }, (_, i) => i).find(
          (i) => o.bytes[o.symbol(i) + Sym.info] >> 4 !== 0,
        )!;
        return `symbol ${first}: binding ${o.bytes[o.symbol(first) + Sym.info] >> 4} on the wrong side of sh_info (${symbols})`;
      },
    ],
    [
      "local symbols among the global",
      (o) => o.set32(".symtab", "info", 0),
      () => "symbol 0: binding 0 on the wrong side of sh_info (0)",
    ],
    [
      "a binding that nobody knows",
      (o) => o.bytes.writeUInt8(0x72, o.symbol(o.symbolIndex("main")) + Sym.info),
      () => `symbol ${EditableObject.read(object).symbolIndex("main")}: unknown binding 7`,
    ],
    [
      "a name outside the names",
      (o) => o.bytes.writeUInt32LE(0x7777, o.symbol(o.symbolIndex("main")) + Sym.name),
      () =>
        `symbol ${EditableObject.read(object).symbolIndex("main")}: st_name is 0x7777, the name table has ${hexOf(EditableObject.read(object).size(".strtab"))} bytes`,
    ],
    [
      "a section that is not there",
      (o) => o.bytes.writeUInt16LE(77, o.symbol(o.symbolIndex("main")) + Sym.section),
      ({ sections }) =>
        `symbol ${EditableObject.read(object).symbolIndex("main")}: st_shndx is 77, the file has ${sections} sections`,
    ],
    [
      "a reserved section",
      (o) => o.bytes.writeUInt16LE(0xff40, o.symbol(o.symbolIndex("main")) + Sym.section),
      () => `symbol ${EditableObject.read(object).symbolIndex("main")}: reserved section index 0xff40`,
    ],
    [
      "a section in a table that is not there",
      (o) => o.bytes.writeUInt16LE(0xffff, o.symbol(o.symbolIndex("main")) + Sym.section),
      () =>
        `symbol ${EditableObject.read(object).symbolIndex("main")}: SHN_XINDEX without a table of extended section indices`,
    ],
    [
      "a value beyond every address",
      (o) => o.bytes.writeBigUInt64LE(2n ** 60n, o.symbol(o.symbolIndex("main")) + Sym.value),
      () => `symbol ${EditableObject.read(object).symbolIndex("main")}: st_value is beyond ±2^53`,
    ],
    [
      "a common symbol with an odd alignment",
      (o) => o.bytes.writeBigUInt64LE(48n, o.symbol(o.symbolIndex("shared")) + Sym.value),
      () =>
        `symbol ${EditableObject.read(object).symbolIndex("shared")}: common with alignment 0x30, not a power of two up to 0x40000000`,
    ],
    [
      "a common symbol of absurd size",
      (o) => o.bytes.writeBigUInt64LE(2n ** 50n, o.symbol(o.symbolIndex("shared")) + Sym.size),
      () =>
        `symbol ${EditableObject.read(object).symbolIndex("shared")}: common of size 0x4000000000000, beyond any address space here`,
    ],
    [
      "extended indices for another number of symbols",
      (o) => o.set32(".note.GNU-stack", "type", 18),
      ({ symbols }) => `extended section indices: 0 entries for ${symbols} symbols`,
    ],
  ]);
});

describe("relocation tables that are refused", () => {
  check([
    [
      "for a section that is not there",
      (o) => o.set32(".rela.text", "info", 50),
      ({ index, sections }) =>
        `relocation section ${index(".rela.text")}: sh_info is 50, the file has ${sections} sections`,
    ],
    [
      "by another symbol table",
      (o) => o.set32(".rela.text", "link", 1),
      ({ index }) =>
        `relocation section ${index(".rela.text")}: sh_link is 1, the symbol table is section ${index(".symtab")}`,
    ],
    [
      "for zero-fill",
      (o) => o.set32(".rela.text", "info", o.section(".bss")),
      ({ index }) => `relocation section ${index(".rela.text")}: its section ${index(".bss")} (.bss) has no contents`,
    ],
    [
      "two for one section",
      (o) => o.set32(".rela.data", "info", o.section(".text")),
      ({ index }) =>
        `relocation section ${index(".rela.data")}: section ${index(".text")} (.text) already has relocations`,
    ],
    [
      "said to be without addends",
      (o) => o.set32(".rela.text", "type", 9),
      ({ index }) => `relocation section ${index(".rela.text")}: size 0x18 with entries of 24 bytes, expected 16`,
    ],
    [
      "entries of another size",
      (o) => o.set64(".rela.text", "entsize", 16),
      ({ index }) => `relocation section ${index(".rela.text")}: size 0x18 with entries of 16 bytes, expected 24`,
    ],
    [
      "part of an entry",
      (o) => o.set64(".rela.text", "size", 20),
      ({ index }) => `relocation section ${index(".rela.text")}: size 0x14 with entries of 24 bytes, expected 24`,
    ],
  ]);
});

describe("groups that are refused", () => {
  check([
    [
      "size that is no number of words",
      (o) => o.set64(".group", "size", 7),
      ({ index }) => `group section ${index(".group")}: size 0x7 is not a number of words`,
    ],
    [
      "signature that is not there",
      (o) => o.set32(".group", "info", 500),
      ({ index, symbols }) =>
        `group section ${index(".group")}: signature is symbol 500 of section ${index(".symtab")}, there are ${symbols} symbols`,
    ],
    [
      "signature in another table",
      (o) => o.set32(".group", "link", 1),
      ({ index, symbols }) =>
        `group section ${index(".group")}: signature is symbol ${EditableObject.read(object).symbolIndex("group")} of section 1, there are ${symbols} symbols`,
    ],
    [
      "signature's name outside the names",
      (o) => o.bytes.writeUInt32LE(0x8888, o.symbol(o.symbolIndex("group")) + Sym.name),
      ({ index }) => `group section ${index(".group")}: the signature's name is outside the symbol name table`,
    ],
  ]);

  test("a member that is not there, once the group is dropped", () => {
    const tables = new GraphTables();
    EditableObject.read(object).graph(tables);
    const o = EditableObject.read(object);
    o.bytes.writeUInt32LE(66, o.contents(".group") + 4);
    assert.throws(() => o.graph(tables), {
      message: `test.o: group section ${o.section(".group")}: member 66, the file has ${o.sectionCount} sections`,
    });
  });
});

test("an object cut anywhere is refused cleanly", () => {
  const { bytes } = EditableObject.read(object);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => new EditableObject(bytes.subarray(0, length)).graph(),
      (error) => error instanceof ObjectFormatError,
      `${length} bytes of ${bytes.length}`,
    );
  }
});

test("an object cut anywhere is refused cleanly when only its names are asked for", () => {
  const { bytes } = EditableObject.read(object);
  const pool = new SymbolStringPool();
  assert.deepEqual(
    definedNames(EditableObject.read(object).reader(), pool)
      .map((id) => pool.name(id))
      .sort(),
    ["group", "main", "shared", "value"],
  );
  for (let length = 4; length < bytes.length; length++) {
    assert.throws(
      () => definedNames(new EditableObject(bytes.subarray(0, length)).reader(), new SymbolStringPool()),
      (error) => error instanceof ObjectFormatError,
      `${length} bytes of ${bytes.length}`,
    );
  }
});

test("a section may have the file's last byte for its empty name", () => {
  const o = EditableObject.read(object);
  const names = o.bytes.subarray(o.contents(".shstrtab"), o.contents(".shstrtab") + o.size(".shstrtab"));
  const moved = new EditableObject(Buffer.concat([o.bytes, names]));
  moved.set64(".shstrtab", "offset", o.bytes.length);
  const data = moved.section(".data");
  moved.set32(".data", "name", names.length - 1);
  const graph = moved.graph();
  assert.equal(graph.sectionName(graph.firstSection + data), "");
});
