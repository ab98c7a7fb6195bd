import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { relocationRows } from "../../src/arch/x86_64.ts";
import { hex } from "../../src/bytes/address.ts";
import { TLS_MODULE } from "../link/plain-job.ts";
import { FIELD_OBJECT, type FieldJob, linkField } from "./one-field.ts";

/** The size of `variable` in the object. */
const Z = 0x24;
/** The block of the object's thread-locals ends at the thread pointer; its variable is at 8 of 12 bytes, aligned to 1. */
const TPOFF = -4;
const DTPOFF = 8;

const GOT = ({ job }: FieldJob): number => job.job.layout.globalOffsetTable;

/** Fields that hold the place of a GOT entry: what is subtracted from the entry's address, and what is in it. */
interface Entry {
  readonly from: (job: FieldJob) => number;
  readonly holds: (job: FieldJob) => readonly number[];
}
const fromP = ({ P }: FieldJob): number => P;
const holdsS = ({ S }: FieldJob): number[] => [S];

interface Case {
  readonly type: number;
  readonly name: string;
  readonly symbol: string;
  readonly size: 1 | 2 | 4 | 8;
  readonly limits?: readonly [number, number];
  /** The field's value with addend 0 (x86-64 psABI, table 4.10). */
  readonly value: ((job: FieldJob) => number) | Entry;
}

const int8 = [-0x80, 0x7f] as const;
const int16 = [-0x8000, 0x7fff] as const;
const int32 = [-0x8000_0000, 0x7fff_ffff] as const;
const uint32 = [0, 0xffff_ffff] as const;

const entry = (from: Entry["from"], holds: Entry["holds"] = holdsS): Entry => ({ from, holds });
const row = (
  type: number,
  name: string,
  symbol: string,
  size: Case["size"],
  limits: Case["limits"] | undefined,
  value: Case["value"],
): Case => ({ type, name: `R_X86_64_${name}`, symbol, size, limits, value });

const cases: Case[] = [
  row(1, "64", "variable", 8, undefined, ({ S }) => S),
  row(2, "PC32", "variable", 4, int32, ({ S, P }) => S - P),
  row(3, "GOT32", "variable", 4, int32, entry(GOT)),
  row(4, "PLT32", "function", 4, int32, ({ S, P }) => S - P),
  row(9, "GOTPCREL", "variable", 4, int32, entry(fromP)),
  row(10, "32", "variable", 4, uint32, ({ S }) => S),
  row(11, "32S", "variable", 4, int32, ({ S }) => S),
  row(12, "16", "variable", 2, [-0x8000, 0xffff], ({ S }) => S),
  row(13, "PC16", "variable", 2, int16, ({ S, P }) => S - P),
  row(14, "8", "variable", 1, [-0x80, 0xff], ({ S }) => S),
  row(15, "PC8", "variable", 1, int8, ({ S, P }) => S - P),
  row(16, "DTPMOD64", "thread_variable", 8, undefined, () => TLS_MODULE),
  row(17, "DTPOFF64", "thread_variable", 8, undefined, () => DTPOFF),
  row(18, "TPOFF64", "thread_variable", 8, undefined, () => TPOFF),
  row(
    19,
    "TLSGD",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TLS_MODULE, DTPOFF]),
  ),
  row(
    20,
    "TLSLD",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TLS_MODULE, 0]),
  ),
  row(21, "DTPOFF32", "thread_variable", 4, int32, () => DTPOFF),
  row(
    22,
    "GOTTPOFF",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TPOFF]),
  ),
  row(23, "TPOFF32", "thread_variable", 4, int32, () => TPOFF),
  row(24, "PC64", "variable", 8, undefined, ({ S, P }) => S - P),
  row(25, "GOTOFF64", "variable", 8, undefined, (job) => job.S - GOT(job)),
  row(26, "GOTPC32", "variable", 4, int32, (job) => GOT(job) - job.P),
  row(27, "GOT64", "variable", 8, undefined, entry(GOT)),
  row(28, "GOTPCREL64", "variable", 8, undefined, entry(fromP)),
  row(29, "GOTPC64", "variable", 8, undefined, (job) => GOT(job) - job.P),
  row(30, "GOTPLT64", "function", 8, undefined, entry(GOT)),
  row(31, "PLTOFF64", "function", 8, undefined, (job) => job.S - GOT(job)),
  row(32, "SIZE32", "variable", 4, uint32, () => Z),
  row(33, "SIZE64", "variable", 8, undefined, () => Z),
  row(41, "GOTPCRELX", "variable", 4, int32, entry(fromP)),
  row(42, "REX_GOTPCRELX", "variable", 4, int32, entry(fromP)),
  row(43, "CODE_4_GOTPCRELX", "variable", 4, int32, entry(fromP)),
  row(
    44,
    "CODE_4_GOTTPOFF",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TPOFF]),
  ),
  row(46, "CODE_5_GOTPCRELX", "variable", 4, int32, entry(fromP)),
  row(
    47,
    "CODE_5_GOTTPOFF",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TPOFF]),
  ),
  row(49, "CODE_6_GOTPCRELX", "variable", 4, int32, entry(fromP)),
  row(
    50,
    "CODE_6_GOTTPOFF",
    "thread_variable",
    4,
    int32,
    entry(fromP, () => [TPOFF]),
  ),
];

/** Rows that mean nothing without the instructions around them; tls-sequences.test.ts has them. */
const needInstructions = [34, 35, 45, 48, 51];
/** The addend is the module's affair here, the field is the module's number. */
const withoutAddend = [16];

test("every relocation type of the architecture has a case", () => {
  assert.deepEqual(
    relocationRows.map(({ type, name }) => `${type} ${name}`),
    [...cases, ...relocationRows.filter(({ type }) => needInstructions.includes(type))]
      .sort((a, b) => a.type - b.type)
      .map(({ type, name }) => `${type} ${name}`),
  );
});

/** The field's value with addend 0; entries are looked up in the linked table by what they hold. */
function expected(each: Case, job: FieldJob): number {
  if (typeof each.value === "function") return each.value(job);
  const wanted = each.value.holds(job);
  const table = GOT(job);
  const end = job.job.job.layout.readOnly.address + job.job.job.layout.readOnly.size;
  for (let at = table; at + 8 * wanted.length <= end; at += 8) {
    if (wanted.every((word, i) => job.job.u64At(at + 8 * i) === word)) return at - each.value.from(job);
  }
  throw new Error(`no entry of the global offset table holds ${wanted.map(hex)}`);
}

/** `value` in the field's width, and 0xee behind it as the section had it. */
function fieldBytes(value: bigint, size: number): Buffer {
  const bytes = Buffer.alloc(16, 0xee);
  const field = Buffer.alloc(8);
  field.writeBigInt64LE(BigInt.asIntN(64, value));
  field.copy(bytes, 0, 0, size);
  return bytes;
}

for (const each of cases) {
  describe(each.name, () => {
    const { type, name, symbol, size, limits } = each;
    // What the other terms of the expression come to; fields of 8 and 16 bits overflow without an addend, so it is not read back.
    const constant = async (): Promise<number> => {
      const wide = size < 4 ? (symbol === "variable" && /PC/.test(name) ? 24 : 1) : type;
      const job = await linkField(wide, symbol, 0);
      return expected(each, job);
    };

    test("writes the specification's expression and no more bytes than its field has", async () => {
      const base = await constant();
      for (const A of size >= 4 ? [0, 1, -4, 0x1234] : [-base, 5 - base]) {
        if (limits !== undefined && (base + A < limits[0] || base + A > limits[1])) continue;
        const { bytes } = await linkField(type, symbol, A);
        const value = withoutAddend.includes(type) ? base : base + A;
        assert.deepEqual(bytes, fieldBytes(BigInt(value), size), `addend ${A}`);
      }
    });

    if (limits === undefined) {
      test("takes addends of more than 32 bits", async () => {
        const base = await constant();
        for (const A of [0x1234_5678_9abc, -0x1234_5678_9abc]) {
          const { bytes } = await linkField(type, symbol, A);
          const value = withoutAddend.includes(type) ? base : base + A;
          assert.deepEqual(bytes, fieldBytes(BigInt(value), size), `addend ${A}`);
        }
      });
      return;
    }

    test("takes the smallest and the largest value of its field", async () => {
      const base = await constant();
      for (const limit of limits) {
        const { bytes } = await linkField(type, symbol, limit - base);
        assert.deepEqual(bytes, fieldBytes(BigInt(limit), size), `value ${limit}`);
      }
    });

    test("refuses one more and one less, with both numbers", async () => {
      const base = await constant();
      for (const value of [limits[0] - 1, limits[1] + 1]) {
        const { P, S } = await linkField(1, symbol, 0);
        await assert.rejects(linkField(type, symbol, value - base), {
          name: "LinkError",
          code: "relocation",
          message:
            `${FIELD_OBJECT}:(.field+0x8): ${name} out of range: ${hex(value)} is not in ` +
            `[${hex(limits[0])}, ${hex(limits[1])}]; from ${hex(P)} it references ${symbol} at ${hex(S)}`,
        });
      }
    });
  });
}

test("a field that ends behind its section is refused with both numbers", async () => {
  for (const [type, name, size, offset] of [
    [1, "R_X86_64_64", 8, 0x11],
    [2, "R_X86_64_PC32", 4, 0x15],
    [14, "R_X86_64_8", 1, 0x18],
    [1, "R_X86_64_64", 8, 0x1_0000_0008],
  ] as const) {
    await assert.rejects(linkField(type, "variable", 0, offset), {
      message:
        `${FIELD_OBJECT}:(.field+${hex(offset)}): ${name}: ` +
        `field of ${size} bytes is outside the section of 0x18 bytes`,
    });
  }
});

test("an unknown relocation type is refused by its number", async () => {
  for (const type of [5, 6, 7, 8, 36, 37, 38, 39, 40, 52, 249, 252, 255, 0xffff_ffff]) {
    await assert.rejects(linkField(type, "variable", 0), {
      code: "relocation",
      message: `${FIELD_OBJECT}:(.field+0x8): unknown relocation type ${type}`,
    });
  }
});

test("R_X86_64_NONE and the hints about virtual functions change nothing, wherever they point", async () => {
  for (const type of [0, 250, 251]) {
    for (const offset of [8, 0x1_0000_0008]) {
      const { bytes } = await linkField(type, "variable", 0x1234, offset);
      assert.deepEqual(bytes, Buffer.alloc(16, 0xee), `type ${type}`);
    }
  }
});

test("a 64-bit field takes all bits of an addend: tagged pointers", async () => {
  for (const A of [0x8000_0000_0000_0003n, 0x7fff_ffff_ffff_fff1n, 0x0120_0000_0000_0001n]) {
    const addend = BigInt.asIntN(64, A);
    const { bytes, S, P } = await linkField(1, "variable", addend);
    assert.deepEqual(bytes, fieldBytes(BigInt(S) + addend, 8), `R_X86_64_64 with addend ${addend}`);
    const difference = await linkField(24, "variable", addend);
    assert.deepEqual(difference.bytes, fieldBytes(BigInt(S) - BigInt(P) + addend, 8), `R_X86_64_PC64 with ${addend}`);
  }
});

test("thread-local types refuse symbols that are not, and say so", async () => {
  for (const [type, name] of [
    [16, "DTPMOD64"],
    [17, "DTPOFF64"],
    [18, "TPOFF64"],
    [19, "TLSGD"],
    [21, "DTPOFF32"],
    [22, "GOTTPOFF"],
    [23, "TPOFF32"],
    [44, "CODE_4_GOTTPOFF"],
  ] as const) {
    await assert.rejects(linkField(type, "variable", 0), {
      code: "relocation",
      message: `${FIELD_OBJECT}:(.field+0x8): R_X86_64_${name} refers to variable, which is not thread-local`,
    });
  }
});
