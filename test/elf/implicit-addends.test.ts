import assert from "node:assert/strict";
import { test } from "node:test";
import { relocationRow } from "../../src/arch/x86_64.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { linkPlainly } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";
import { EditableObject, Shdr } from "./editable-object.ts";

/** Fields of every width with addends of both signs, in code that is rewritten, in data, beside what is no field. */
const source = `
  .globl _start, variable, small
  .text
_start:
  mov variable@GOTPCREL(%rip), %rax
  call *_start@GOTPCREL(%rip)
  lea variable+0x11223344(%rip), %rcx
  call _start
  movabs $variable - 0x1122334455667788, %rdx
  movl $variable + 5, %eax
  .data
  .byte 0x7f
  .byte small - 5
  .short small + 0x1234
  .long variable - 7, _start - . + 9
  .quad variable + 0x8000000000000001, . - 8
variable: .quad 0x1111111111111111
`;
const externals = { small: 0x21 };

/** Puts the addends of a RELA section into the fields of the section that it relocates. */
function moveAddends(object: EditableObject, table: string, target: string): void {
  const entries = object.contents(table);
  for (let at = entries; at < entries + object.size(table); at += 24) {
    const size = relocationRow(object.bytes.readUInt32LE(at + 8))!.size;
    const field = object.contents(target) + object.u64(at);
    for (let i = 0; i < size; i++) object.bytes[field + i] = object.bytes[at + 16 + i];
  }
}

const tables = [
  [".rela.text", ".text"],
  [".rela.data", ".data"],
] as const;

async function linkedBytes(reader: ByteReader): Promise<string[]> {
  const job = await linkPlainly([reader], { externals });
  return tables.map(([, section]) => Buffer.from(job.bytesOf(section)).toString("hex"));
}

test("SHT_REL: the fields hold the addends", async () => {
  const path = await compile(["gcc"], "implicit.s", source);
  const expected = await linkedBytes(EditableObject.read(path).reader());
  const object = EditableObject.read(path);
  for (const [table, target] of tables) {
    moveAddends(object, table, target);
    const entries = object.contents(table);
    const count = object.size(table) / 24;
    for (let i = 0; i < count; i++) {
      object.bytes.copy(object.bytes, entries + 16 * i, entries + 24 * i, entries + 24 * i + 16);
    }
    object
      .set32(table, "type", 9)
      .set64(table, "size", 16 * count)
      .set64(table, "entsize", 16);
  }
  assert.deepEqual(await linkedBytes(object.reader()), expected);
});

test("CREL without addends: the fields hold them", async () => {
  const path = await compile(["gcc"], "implicit.s", source);
  const expected = await linkedBytes(EditableObject.read(path).reader());
  const object = EditableObject.read(path);
  // Compact tables are shorter than what they replace.
  for (const [table, target] of tables) {
    moveAddends(object, table, target);
    const entries = object.contents(table);
    const compact = compactWithoutAddends(object.bytes.subarray(entries, entries + object.size(table)));
    assert.ok(compact.length < object.size(table));
    compact.copy(object.bytes, entries);
    object.set32(table, "type", 0x4000_0014).set64(table, "size", compact.length).set64(table, "entsize", 1);
  }
  assert.deepEqual(await linkedBytes(object.reader()), expected);
});

test("a field of an unknown type, or outside its section, is refused when it is applied", async () => {
  const path = await compile(["gcc"], "implicit.s", source);
  for (const [offset, type, message] of [
    [0x1000, 1, "outside.o:(.data+0x1000): R_X86_64_64: field of 8 bytes is outside the section of 0x24 bytes"],
    [0, 0x99, "outside.o:(.data+0x0): unknown relocation type 153"],
  ] as const) {
    const object = EditableObject.read(path);
    const entries = object.contents(".rela.data");
    object.bytes.writeBigUInt64LE(BigInt(offset), entries);
    object.bytes.writeUInt32LE(type, entries + 8);
    object.set32(".rela.data", "type", 9).set64(".rela.data", "size", 16).set64(".rela.data", "entsize", 16);
    assert.equal(object.bytes.readUInt32LE(object.header(object.section(".rela.data")) + Shdr.type), 9);
    await assert.rejects(linkPlainly([ByteReader.of(object.bytes, "outside.o")], { externals }), {
      code: "relocation",
      message,
    });
  }
});

/** CREL of ascending entries, two flag bits: symbol and type may change. */
function compactWithoutAddends(entries: Buffer): Buffer {
  const out: number[] = uleb((entries.length / 24) * 8);
  let [offset, symbol, type] = [0, 0, 0];
  for (let at = 0; at < entries.length; at += 24) {
    const delta = Number(entries.readBigUInt64LE(at)) - offset;
    const [nextType, nextSymbol] = [entries.readUInt32LE(at + 8), entries.readUInt32LE(at + 12)];
    const flags = (nextSymbol !== symbol ? 1 : 0) | (nextType !== type ? 2 : 0);
    if (delta < 32) out.push((delta << 2) | flags);
    else out.push(((delta & 31) << 2) | flags | 0x80, ...uleb(delta >> 5));
    if (flags & 1) out.push(...sleb(nextSymbol - symbol));
    if (flags & 2) out.push(...sleb(nextType - type));
    [offset, symbol, type] = [offset + delta, nextSymbol, nextType];
  }
  return Buffer.from(out);
}

function uleb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >> 7)];
}

function sleb(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...sleb(value >> 7)];
}
