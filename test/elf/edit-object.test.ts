import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { EditableObject } from "../../src/formats/elf/edit-object.ts";
import { linkPlainly } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { fileOf } from "../support/source.ts";

const read = (path: string): EditableObject => new EditableObject(ByteReader.of(readFileSync(path), "a.o"));

/** What GNU's tools say of a file, as far as an unchanged one must say the same. */
async function said(bytes: Uint8Array, option: string): Promise<string> {
  const text = await mustRun("readelf", ["-W", option, fileOf("a.o", bytes)]);
  return text.replace(/^File:.*$/gm, "").replace(/at offset 0x[0-9a-f]+/g, "");
}

const sources: Record<string, [words: string[], name: string, text: string]> = {
  "C with debug information and sections of functions": [
    ["gcc", "-g", "-O2", "-ffunction-sections", "-fPIC"],
    "a.c",
    "extern int e; static int s = 4; int c; __thread int t = 3; int f(int n) { return n + e + s + t + c; } __attribute__((weak)) int w(void) { return f(1); }",
  ],
  "C++ with groups": [
    ["gcc", "-O1"],
    "a.cc",
    "template<class T> struct S { static int n; T f(T a) { return a + n++; } }; template<class T> int S<T>::n = 5; int g() { return S<int>().f(2) + S<long>().f(1); }",
  ],
  "assembly with what is rare": [
    ["gcc"],
    "a.s",
    ".globl a, b\n.set a, 0x123456789abcdef1\n.comm b, 16, 8\n.type i, @gnu_indirect_function\n.globl i\ni: ret\n.data\n.quad a, b + 3, .text - 5\n.byte 1\n",
  ],
};

describe("an object that can be changed", () => {
  for (const [name, [words, file, text]] of Object.entries(sources)) {
    test(`is written as it was: ${name}`, async () => {
      const path = await compile(words, file, text);
      const before = readFileSync(path);
      const edited = read(path);
      assert.equal(edited.isChanged, false);
      for (const section of edited.sections) section.bytes;
      assert.equal(edited.isChanged, false, "looking is no change");
      const written = edited.write();
      for (const option of ["-s", "-r", "-g", "-x.text"])
        assert.equal(await said(written, option), await said(before, option), option);
    });
  }

  test("is linked with its changes as if it had been compiled so", async () => {
    const path = await compile(
      ["gcc"],
      "a.s",
      ".globl _start, x, y\n.data\n_start: .quad x, y\nx: .quad 1\ny: .quad 2\nl: .quad 3\n",
    );
    const object = read(path);
    const [first, second] = object.section(".data")!.relocations;
    assert.deepEqual([first!.kind, first!.symbol.name, first!.addend, second!.offset], ["R_X86_64_64", "x", 0n, 8]);
    first!.symbol = object.symbol("y");
    first!.addend = 7;
    const added = object.addSection({
      name: ".data.more",
      kind: "data",
      alignment: 64,
      bytes: new Uint8Array(16),
      relocations: [{ offset: 8, kind: "R_X86_64_64", symbol: "outside", addend: 1 }],
    });
    const local = object.addSymbol({ name: "more", section: added, value: 8, binding: "local" });
    second!.symbol = local;
    object.findSymbol("x")!.binding = "weak";
    object.findSymbol("y")!.binding = "local";
    assert.equal(object.isChanged, true);
    const job = await linkPlainly([ByteReader.of(object.write(), "a.o")], { externals: { outside: 0x500 } });
    const [data, more] = [job.addressOfSection(".data"), job.addressOfSection(".data.more")];
    assert.equal(more % 64, 0);
    assert.deepEqual(
      [0, 8].map((at) => job.u64At(data + at)),
      [data + 24 + 7, more + 8],
    );
    assert.equal(job.u64At(more + 8), 0x501);
    assert.equal(job.job.traits("x")?.isOverridable, true);
    assert.equal(job.job.address("y"), undefined);
  });

  test("may have larger contents than before", async () => {
    const object = read(await compile(["gcc"], "a.s", ".globl _start\n.data\n_start: .quad 1\n"));
    object.section(".data")!.bytes = Uint8Array.from({ length: 5000 }, (_, i) => i);
    const job = await linkPlainly([ByteReader.of(object.write(), "a.o")]);
    assert.deepEqual([...job.bytesOf(".data")].slice(4000, 4003), [160, 161, 162]);
    assert.equal(job.bytesOf(".data").length, 5000);
  });

  test("without a symbol table gets one", async () => {
    const directory = join(fileOf("x", ""), "..");
    const path = await compile(["gcc"], "a.s", ".data\n.quad 1\n");
    await mustRun("strip", ["-s", path, "-o", join(directory, "stripped.o")]);
    const object = read(join(directory, "stripped.o"));
    assert.equal(object.symbols.length, 0);
    object.addSymbol({ name: "d", section: object.section(".data")! });
    const job = await linkPlainly([ByteReader.of(object.write(), "a.o")]);
    assert.equal(job.address("d"), job.addressOfSection(".data"));
  });

  test("refuses changes that make no sense", async () => {
    const path = await compile(["gcc"], "a.s", ".data\nd: .quad 1\n.bss\n.zero 8\n");
    const [object, other] = [read(path), read(path)];
    const data = object.section(".data")!;
    const relocation = { kind: "R_X86_64_64", symbol: "d" };
    assert.throws(
      () => object.addRelocation(data, { ...relocation, offset: 1 }),
      /R_X86_64_64 of 8 bytes at 1 is outside of \.data, which has 8/,
    );
    assert.throws(() => object.addRelocation(data, { ...relocation, kind: "R_ARM", offset: 0 }), TypeError);
    assert.throws(() => object.addSymbol({ name: "a", section: data, value: 9 }), /9 of \.data, which has 8 bytes/);
    assert.throws(() => object.addSymbol({ name: "a", section: other.section(".data")! }), TypeError);
    assert.throws(() => object.addSymbol({ name: "a", binding: "local" }), TypeError);
    assert.throws(() => {
      object.section(".bss")!.bytes = new Uint8Array(1);
    }, TypeError);
    assert.throws(() => {
      data.alignment = 3;
    }, RangeError);
  });
});
