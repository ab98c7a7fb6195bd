import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { SectionKind } from "../../src/graph/section-table.ts";
import { compile } from "../support/compile.ts";
import { linkPlainly, type PlainJob } from "./plain-job.ts";

const assemble = (text: string): Promise<string> => compile(["gcc"], "layout.s", text);

/** Sections of every kind, sizes and alignments that do not fit each other, and some that are empty. */
function mixed(n: number): string {
  const sections = [
    ["code", '"ax",@progbits', 3],
    ["rodata", '"a",@progbits', 5],
    ["data", '"aw",@progbits', 7],
    ["zero", '"aw",@nobits', 9],
    ["patched", '"awx",@progbits', 8],
    ["tdata", '"awT",@progbits', 4],
    ["tbss", '"awT",@nobits', 6],
  ] as const;
  const lines: string[] = [];
  sections.forEach(([name, flags, size], i) => {
    for (const [j, alignment] of [1, 8, 64, 4096, 65_536, 2].entries()) {
      if (name.startsWith("t") && alignment > 4096) continue;
      const length = (size * (i + n + 1) * (j + 1)) % 100;
      lines.push(`.section .${name}.${n}.${j},${flags}\n.balign ${alignment}\n`);
      lines.push(name === "zero" || name === "tbss" ? `.zero ${length}\n` : `.fill ${length}, 1, ${16 * i + n}\n`);
    }
    lines.push(`.section .${name}.empty.${n},${flags}\n.globl ${name}_end_${n}\n${name}_end_${n}:\n`);
  });
  return lines.join("");
}

interface Placed {
  readonly name: string;
  readonly kind: number;
  readonly start: number;
  readonly end: number;
  readonly alignment: number;
}

function placedSections(job: PlainJob): Placed[] {
  const { sections, graphs } = job.job.tables;
  const placed: Placed[] = [];
  for (let row = 0; row < sections.count; row++) {
    const kind = sections.kind[row];
    if (kind === SectionKind.none || kind === SectionKind.discarded) continue;
    const start = sections.address[row];
    const name = `${graphs[sections.graph[row]].name}:${graphs[sections.graph[row]].sectionName(row)}`;
    placed.push({ name, kind, start, end: start + sections.size[row], alignment: sections.alignment[row] });
  }
  return placed;
}

function assertApart(ranges: readonly { name: string; start: number; end: number }[]): void {
  const sorted = ranges.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
  for (let i = 1; i < sorted.length; i++) {
    assert.ok(sorted[i - 1].end <= sorted[i].start, `${sorted[i - 1].name} overlaps ${sorted[i].name}`);
  }
}

const isThreadLocal = ({ kind }: Placed): boolean => kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill;

describe("a layout of sections of all kinds", () => {
  let job: PlainJob;
  before(async () => {
    const objects = await Promise.all([0, 1, 2].map((n) => assemble(mixed(n))));
    const unwind = await compile(
      ["gcc", "-O1"],
      "unwind.c",
      "int f(int x) { return x; }\nint g(int x) { return f(x); }\n",
    );
    job = await linkPlainly([...objects, unwind], { base: 0x5001_0000 });
  });

  test("no two sections overlap, nor do they overlap what the linker adds", () => {
    const { layout } = job.job;
    const own = (name: string, start: number, end: number) => ({ name, start, end });
    assertApart([
      ...placedSections(job).filter((placed) => !isThreadLocal(placed)),
      own("header", layout.header.address, layout.header.address + layout.header.size),
      own("header data", layout.headerData.address, layout.headerData.address + layout.headerData.size),
      own("stubs", layout.stubs, layout.code.address + layout.code.size),
      own("table", layout.ehFrameTable.address, layout.ehFrameTable.address + layout.ehFrameTable.size),
      own("GOT", layout.globalOffsetTable, layout.readOnly.address + layout.readOnly.size),
      own("slots", layout.resolvedSlots, layout.data.address + layout.data.size),
    ]);
    assertApart(placedSections(job).filter(isThreadLocal));
  });

  test("every section has its alignment, up to 64 KiB", () => {
    for (const { name, start, alignment, kind } of placedSections(job)) {
      if (kind !== SectionKind.ehFrame) assert.equal(start % alignment, 0, name);
    }
    assert.ok(placedSections(job).some(({ alignment }) => alignment === 65_536));
  });

  test("every section lies in the stripe of its protection, and stripes share no page", () => {
    const { layout } = job.job;
    const stripe: Record<number, { address: number; size: number }> = {
      [SectionKind.code]: layout.code,
      [SectionKind.readOnly]: layout.readOnly,
      [SectionKind.ehFrame]: layout.readOnly,
      [SectionKind.data]: layout.data,
      [SectionKind.writableCode]: layout.writableCode,
      [SectionKind.zeroFill]: layout.zeroFill,
    };
    for (const placed of placedSections(job)) {
      if (isThreadLocal(placed)) continue;
      const { address, size } = stripe[placed.kind];
      assert.ok(placed.start >= address && placed.end <= address + size, placed.name);
    }
    const { header, headerData, code, readOnly, writableCode, data } = layout;
    const pages = [header, headerData, code, readOnly, writableCode, data].map(({ address, size }, i) => ({
      name: `stripe ${i}`,
      start: Math.floor(address / 4096),
      end: Math.ceil((address + size) / 4096),
    }));
    assertApart(pages);
    const both = job.segments.filter(({ protection }) => (protection & 6) === 6);
    assert.deepEqual(
      both.map(({ address, contentSize }) => ({ address, size: contentSize })),
      [writableCode],
    );
  });

  test("contents are the file's", () => {
    for (const n of [0, 1, 2]) {
      for (const [i, name] of ["code", "rodata", "data"].entries()) {
        const bytes = job.bytesOf(`.${name}.${n}.3`, n);
        assert.ok(bytes.length > 0);
        assert.ok(
          bytes.every((byte) => byte === 16 * i + n),
          `.${name}.${n}.3`,
        );
      }
    }
  });

  test("a symbol behind the last byte of a section, or in an empty one, has that address", () => {
    for (const name of ["code", "rodata", "data", "zero"]) {
      const at = job.address(`${name}_end_1`);
      assert.equal(at, job.addressOfSection(`.${name}.empty.1`, 1));
      assert.ok(at >= job.job.layout.header.address && at <= job.job.layout.header.address + job.job.layout.size);
    }
  });

  test("thread-local data lies before thread-local zero-fill, in one block of their alignment", () => {
    const { tls } = job.job.layout;
    const placed = placedSections(job).filter(isThreadLocal);
    for (const { name, kind, start, end } of placed) {
      if (kind === SectionKind.tlsData) assert.ok(end <= tls.imageSize, name);
      else assert.ok(start >= tls.imageSize && end <= tls.size, name);
    }
    assert.equal(tls.alignment, 4096);
    assert.equal(Math.max(...placed.map(({ end }) => end)), tls.size);
  });
});

describe("constructor arrays", () => {
  const entry = (section: string, ...values: number[]): string =>
    `.section ${section}\n${values.map((value) => `.quad ${value}\n`).join("")}`;

  test("run by priority, then in the order of the inputs; the old form backwards", async () => {
    const first = [
      entry('.init_array,"aw"', 1, 2),
      entry('.init_array.00200,"aw"', 3),
      entry('.init_array.5,"aw"', 4),
      entry('.fini_array,"aw"', 101),
      entry('.fini_array.00100,"aw"', 102),
      entry('.ctors,"aw",@progbits', 5, 6, 7),
      entry('.dtors,"aw",@progbits', 103, 104),
      entry('.preinit_array,"aw"', 201),
    ];
    const second = [
      entry('.init_array,"aw"', 8),
      entry('.init_array.00200,"aw"', 9),
      // Priority 65535 − 65400 = 135.
      entry('.ctors.65400,"aw",@progbits', 10, 11),
      entry('.init_array.65535,"aw"', 12),
    ];
    const job = await linkPlainly([await assemble(first.join("")), await assemble(second.join(""))]);
    const { init, fini, preinit } = job.job.layout.arrays;
    const values = ({ start, end }: { start: number; end: number }): number[] =>
      Array.from({ length: (end - start) / 8 }, (_, i) => job.u64At(start + 8 * i));
    assert.deepEqual(values(init), [4, 11, 10, 3, 9, 12, 1, 2, 7, 6, 5, 8]);
    assert.deepEqual(values(fini), [102, 101, 104, 103]);
    assert.deepEqual(values(preinit), [201]);
  });
});

describe("sets of sections with C names", () => {
  const member = (name: string, flags: string, ...values: number[]): string =>
    `.section ${name},${flags}\n${values.map((value) => `.quad ${value}\n`).join("")}`;
  const bounds = ".globl table\n.data\ntable: .quad __start_set, __stop_set\n";

  test("are contiguous over several inputs, in their order, between __start_ and __stop_", async () => {
    const job = await linkPlainly([
      await assemble(`${bounds}${member("set", '"aw"', 1, 2)}`),
      await assemble(`.data\n.zero 100\n${member("other", '"aw"', 9)}`),
      await assemble(`${member("set", '"aw"', 3)}.text\n nop\n`),
      await assemble(member("set", '"aw"', 4, 5)),
    ]);
    const [start, stop] = [0, 8].map((at) => job.u64At(job.address("table") + at));
    assert.deepEqual(
      Array.from({ length: (stop - start) / 8 }, (_, i) => job.u64At(start + 8 * i)),
      [1, 2, 3, 4, 5],
    );
  });

  test("lie in the writable stripe when one member is writable, and among the rest of their kind when none is", async () => {
    for (const [flags, stripe] of [
      [['"a"', '"aw"'], "data"],
      [['"a"', '"a"'], "readOnly"],
      [['"ax"', '"a"'], "code"],
    ] as const) {
      const job = await linkPlainly([
        await assemble(`${bounds}${member("set", flags[0], 1)}`),
        await assemble(member("set", flags[1], 2)),
      ]);
      const start = job.u64At(job.address("table"));
      const { address, size } = job.job.layout[stripe];
      assert.ok(start >= address && start + 16 <= address + size, stripe);
      assert.deepEqual([job.u64At(start), job.u64At(start + 8)], [1, 2]);
      assert.equal(job.addressOfSection("set", 1), start + 8);
    }
  });

  test("bounds of a set that nobody has are undefined names", async () => {
    await assert.rejects(linkPlainly([await assemble(bounds)]), { code: "undefined-symbol" });
  });

  test("a definition by the program goes before the linker's", async () => {
    const job = await linkPlainly([
      await assemble(`${bounds}${member("set", '"aw"', 1)}.globl __start_set\n__start_set = 0x1234\n`),
    ]);
    assert.equal(job.u64At(job.address("table")), 0x1234);
  });
});
