import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { expandCrel } from "../../src/formats/elf/crel.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { EditableObject } from "./editable-object.ts";

interface Entry {
  offset: bigint;
  type: number;
  symbol: number;
  addend: bigint;
}

/** Relocation entries of every section with contents that the graph holds, by the section's name. */
function relocations(o: EditableObject): Record<string, Entry[]> {
  const graph = o.graph();
  const { sections } = graph.tables;
  const found: Record<string, Entry[]> = {};
  for (let row = graph.firstSection + 1; row < graph.firstSection + graph.sectionCount; row++) {
    const view = graph.expandedRelocations.get(row) ?? graph.reader.view;
    const first = sections.relocations[row];
    const entries = Array.from({ length: sections.relocationCount[row] }, (_, i) => {
      const at = first + 24 * i;
      return {
        offset: view.getBigUint64(at, true),
        type: view.getUint32(at + 8, true),
        symbol: view.getUint32(at + 12, true),
        addend: view.getBigInt64(at + 16, true),
      };
    });
    if (entries.length > 0) found[`${graph.sectionName(row)} ${row}`] = entries;
  }
  return found;
}

const cxx = `#include <stdexcept>
#include <string>
#include <map>
struct Base { virtual ~Base() {} virtual int f(int x) { return x; } };
struct Derived : Base { int f(int x) override { if (x > 3) throw std::runtime_error("x"); return x * 2; } };
std::map<std::string, int> counts;
int g(Base &b) { try { return b.f(7) + counts["a"]; } catch (std::exception &e) { return (int)counts.size(); } }
int main() { Derived d; return g(d); }
`;

for (const flags of [["-O0"], ["-O2", "-fPIC"], ["-O1", "-g", "-mcmodel=large"], ["-O1", "-ffunction-sections"]]) {
  test(`compact relocations say the same as ordinary ones: clang-22 ${flags.join(" ")}`, async (t) => {
    if (!has(t, "clang-22")) return;
    const ordinary = await compile(["clang-22", ...flags], "crel.cc", cxx);
    const compact = await compile(["clang-22", ...flags, "-Wa,--crel,--allow-experimental-crel"], "crel.cc", cxx);
    const expected = relocations(EditableObject.read(ordinary));
    assert.ok(Object.keys(expected).length > 3);
    assert.ok(EditableObject.read(compact).section(".crel.eh_frame") > 0);
    const found = relocations(EditableObject.read(compact));
    assert.deepEqual(Object.values(found), Object.values(expected));
  });
}

test("steps backwards, large steps and addends of 64 bits are kept", async (t) => {
  if (!has(t, "clang-22")) return;
  const source = `
  .data
  .zero 0x30000
  .reloc 0x20000, R_X86_64_64, one + 0x7fffffffffff
  .reloc 0x10, R_X86_64_PC32, two - 0x7ffffffffff0
  .reloc 0x2fff8, R_X86_64_64, one
  .reloc 0x0, R_X86_64_32, two + 1
  .reloc 0x8, R_X86_64_32, one - 1
`;
  const ordinary = relocations(EditableObject.read(await compile(["clang-22"], "steps.s", source)));
  const compact = await compile(["clang-22", "-Wa,--crel,--allow-experimental-crel"], "steps.s", source);
  assert.deepEqual(Object.values(relocations(EditableObject.read(compact))), Object.values(ordinary));
});

/** ULEB128 of a 64-bit number. */
function uleb(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return [...bytes, Number(value)];
}

test("offsets that step backwards by hand", () => {
  // Two entries with addends: at 0x1000, then 0x10 back: the difference modulo 2^64, in units above the flag bits.
  const first = 0x1000n;
  const back = (1n << 64n) - 0x10n;
  const step = (delta: bigint): number[] => {
    const low = Number(delta & 0xfn) << 3;
    return delta < 16n ? [low] : [low | 0x80, ...uleb(delta >> 4n)];
  };
  const bytes = Uint8Array.from([...uleb(2n * 8n + 4n), ...step(first), ...step(back)]);
  const { entries: view } = expandCrel(ByteReader.of(bytes, "crel"), 1);
  assert.equal(view.getBigUint64(0, true), 0x1000n);
  assert.equal(view.getBigUint64(24, true), 0xff0n);
});

test("damaged compact relocations are refused with what was read", () => {
  const cases: [bytes: number[], message: string][] = [
    [[], "test.o: CREL at 0x0 with size 0x1 is outside the file of 0x0 bytes"],
    [[0x80], "test.o: CREL at 0x1 with size 0x1 is outside the file of 0x1 bytes"],
    [[0x0c], "test.o: CREL at 0x1 with size 0x1 is outside the file of 0x1 bytes"],
    [[0x84, 0x7f], "test.o: CREL section 7: 2032 entries in 2 bytes"],
    [Array(12).fill(0xff), "test.o: CREL: number at 0x0 has more than the 10 bytes of a 64-bit one"],
    [[0x0c, 0x01, ...Array(12).fill(0xff)], "test.o: CREL: number at 0x2 has more than the 10 bytes of a 64-bit one"],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => expandCrel(ByteReader.of(Uint8Array.from(bytes), "test.o"), 7), { message });
  }
});
