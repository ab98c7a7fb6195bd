import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SectionKind } from "../../src/graph/section-table.ts";
import { writeEhFrameTable } from "../../src/passes/eh-frame-table.ts";
import { undefinedNamesOf } from "../link/externals-of.ts";
import { linkPlainly, type PlainJob } from "../link/plain-job.ts";
import { sectionBytes } from "../link/reference-link.ts";
import { compile, mustRun } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";

const header = `#include <vector>
#include <stdexcept>
#include <string>
template <class T> T at(std::vector<T> &v, unsigned i) { if (i >= v.size()) throw std::out_of_range("i"); return v[i]; }
struct Base { virtual ~Base(); virtual std::string name() { return "base"; } };
`;
const first = `${header}
Base::~Base() {}
int use(std::vector<int> &v) { try { return at(v, 3); } catch (std::exception &) { return -1; } }
int early(std::vector<std::string> &v) { return at(v, 1).size(); }
`;
const second = `${header}
struct Derived : Base { std::string name() override { return "derived"; } };
long other(std::vector<int> &v) { Derived d; return at(v, 4) + d.name().size(); }
int last(std::vector<std::string> &v) { return at(v, 1).size() + 1; }
`;

/** Rows of the table as (start, frame), by the format's own fields (LSB 5, "Exception Frame Header"). */
function rowsOf(bytes: Buffer, address: number): [start: number, frame: number][] {
  assert.deepEqual([...bytes.subarray(0, 4)], [1, 0x1b, 0x03, 0x3b]);
  const count = bytes.readUInt32LE(8);
  return Array.from({ length: count }, (_, i) => [
    address + bytes.readInt32LE(12 + 8 * i),
    address + bytes.readInt32LE(16 + 8 * i),
  ]);
}

function tableOf(job: PlainJob): [start: number, frame: number][] {
  const { address, size } = job.job.layout.ehFrameTable;
  const bytes = Buffer.from(job.bytesAt(address, size));
  assert.equal(address + 4 + bytes.readInt32LE(4), job.job.layout.ehFrame.address);
  return rowsOf(bytes, address);
}

/** Starts in the table that GNU ld makes of the same objects with their code at the same addresses. */
async function startsByLd(
  job: PlainJob,
  objects: readonly string[],
  externals: Record<string, number>,
): Promise<number[]> {
  const { sections, graphs } = job.job.tables;
  const lines: string[] = [];
  for (let row = 0; row < sections.count; row++) {
    if (sections.kind[row] !== SectionKind.code || sections.size[row] === 0) continue;
    const graph = graphs[sections.graph[row]];
    lines.push(`.c${row} 0x${sections.address[row].toString(16)} : { "${graph.name}"(${graph.sectionName(row)}) }`);
  }
  lines.push(
    ".eh_frame 0x60000000 : { *(.eh_frame) }",
    ".eh_frame_hdr 0x61000000 : { *(.eh_frame_hdr) }",
    ".rest 0x62000000 : { *(.rodata* .data* .bss* .gcc_except_table* .lrodata* .ldata* .got* .plt* .rela*) }",
    "/DISCARD/ : { *(.note* .comment) }",
  );
  const directory = freshDirectory();
  writeFileSync(join(directory, "script"), `SECTIONS {\n${lines.join("\n")}\n}\n`);
  const defined = Object.entries(externals).map(([name, at]) => `--defsym=${name}=${at}`);
  const output = join(directory, "out");
  const words = ["-static", "-e", "0", "--eh-frame-hdr", "--no-warn-rwx-segments", ...defined];
  await mustRun("ld", [...words, "-T", join(directory, "script"), "-o", output, ...objects]);
  return rowsOf(await sectionBytes(output, ".eh_frame_hdr"), 0x6100_0000).map(([start]) => start);
}

for (const words of [
  ["g++", "-O0"],
  ["g++", "-O2", "-fPIC"],
  ["g++", "-O0", "-fno-pic", "-ffunction-sections"],
  ["g++", "-O1", "-fPIC", "-mcmodel=large"],
  ["clang++-22", "-O1", "-fPIC"],
  ["clang++-22", "-O0", "-mcmodel=large"],
]) {
  test(`the search table has GNU ld's rows, without dropped functions: ${words.join(" ")}`, async (t) => {
    if (!has(t, words[0])) return;
    const objects = [await compile(words, "first.cc", first), await compile(words, "second.cc", second)];
    const externals = await undefinedNamesOf(objects);
    const job = await linkPlainly(objects, { externals });
    const rows = tableOf(job);
    const starts = rows.map(([start]) => start);
    assert.deepEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
    assert.ok(starts.length > 8);
    // COMDAT functions of the second file were dropped, their frames were not.
    const { kind } = job.job.tables.sections;
    assert.ok(kind.includes(SectionKind.discarded));
    assert.deepEqual(starts, await startsByLd(job, objects, externals));
    // Every row's frame is a frame description (its second word leads to a CIE) inside .eh_frame.
    const { address, size } = job.job.layout.ehFrame;
    for (const [, frame] of rows) {
      assert.ok(frame >= address && frame < address + size);
      const cie = frame + 4 - job.i32At(frame + 4);
      assert.equal(job.i32At(cie + 4), 0);
    }
  });
}

describe("an .eh_frame by hand", () => {
  const base = 0x5000_0000;
  const code = { address: base + 0x1000, size: 0x1000 };
  const ehFrame = base;
  const table = { address: base + 0x800, size: 0x200 };

  /** A CIE of version 1 with augmentation `zR` and this pointer encoding. */
  const cie = (encoding: number): number[] => [
    16,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    0x7a,
    0x52,
    0,
    1,
    0x78,
    16,
    1,
    encoding,
    0,
    0,
    0,
  ];
  const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];
  const u64 = (value: number): number[] => [...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];

  function write(bytes: number[]): [number, number][] {
    const memory = { bytes: new Uint8Array(0x2000), base, view: new DataView(new ArrayBuffer(0)) };
    memory.view = new DataView(memory.bytes.buffer);
    memory.bytes.set(bytes);
    const count = writeEhFrameTable(memory, { address: ehFrame, size: bytes.length }, table, code);
    const rows = rowsOf(Buffer.from(memory.bytes.subarray(0x800, 0xa00)), table.address);
    assert.equal(rows.length, count);
    return rows;
  }

  const frame = (at: number, pointer: number[]): number[] => {
    const rest = [...pointer, ...pointer.map((_, i) => (i === 0 ? 4 : 0)), 0, 0, 0, 0];
    return [...u32(4 + rest.length), ...u32(at + 4), ...rest];
  };

  test("absolute pointers of four and eight bytes, relative ones of four and eight", () => {
    const cases: [encoding: number, pointer: (start: number, place: number) => number[]][] = [
      [0x00, (start) => u64(start)],
      [0x04, (start) => u64(start)],
      [0x0c, (start) => u64(start)],
      [0x03, (start) => u32(start)],
      [0x0b, (start) => u32(start)],
      [0x1b, (start, place) => u32((start - place) >>> 0)],
      [0x1c, (start, place) => u64(start - place)],
    ];
    for (const [encoding, pointer] of cases) {
      const start = code.address + 0x10;
      const at = cie(encoding).length;
      assert.deepEqual(
        write([...cie(encoding), ...frame(at, pointer(start, base + at + 8))]),
        [[start, base + at]],
        `0x${encoding.toString(16)}`,
      );
    }
  });

  test("rows are sorted whatever the order of the frames, terminators in between do not end it", () => {
    const start = [0x700, 0x20, 0x340, 0x100].map((offset) => code.address + offset);
    const bytes = cie(0x03);
    const frames: [number, number][] = [];
    for (const each of start) {
      frames.push([each, base + bytes.length]);
      bytes.push(...frame(bytes.length, u32(each)), 0, 0, 0, 0);
    }
    assert.deepEqual(
      write(bytes),
      frames.sort(([a], [b]) => a - b),
    );
  });

  test("frames of functions that are not in the job have no row", () => {
    const bytes = cie(0x03);
    for (const start of [0, code.address - 1, code.address + code.size, code.address]) {
      bytes.push(...frame(bytes.length, u32(start)));
    }
    assert.deepEqual(
      write(bytes).map(([start]) => start),
      [code.address],
    );
  });

  test("frames of functions without code, which share their start with the next function, have no row", () => {
    for (const [encoding, word] of [
      [0x03, u32],
      [0x00, u64],
    ] as const) {
      const bytes = cie(encoding);
      const at = bytes.length;
      bytes.push(...frame(at, word(code.address)));
      const rest = [...word(code.address), ...word(0), 0, 0, 0, 0];
      bytes.push(...u32(4 + rest.length), ...u32(bytes.length + 4), ...rest);
      assert.deepEqual(write(bytes), [[code.address, base + at]]);
    }
  });

  test("an empty one has an empty table", () => {
    assert.deepEqual(write([]), []);
    assert.deepEqual(write([0, 0, 0, 0]), []);
  });

  test("damaged records are refused with their place", () => {
    const at = cie(0x03).length;
    const cases: [bytes: number[], message: string][] = [
      [u32(0x100), ".eh_frame+0x0: record of 0x100 bytes does not fit its section"],
      [
        [...cie(3), ...u32(0xffff_ffff), ...u64(20)],
        ".eh_frame+0x14: record of 0xffffffff bytes does not fit its section",
      ],
      [
        [...cie(3), ...u32(12), ...u32(0x500), ...u64(0)],
        ".eh_frame+0x14: frame refers to 0x500 bytes before, where there is no CIE",
      ],
      [
        [...cie(3), ...u32(12), ...u32(4), ...u64(0)],
        ".eh_frame+0x14: frame refers to 0x4 bytes before, where there is no CIE",
      ],
      [[...cie(0x2a), ...frame(at, u32(0))], ".eh_frame: unknown pointer encoding 0x2a"],
    ];
    for (const [bytes, message] of cases) assert.throws(() => write(bytes), { code: "link", message });
  });
});
