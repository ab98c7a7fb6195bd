import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "../../src/epc/protocol-error.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";

const hexOf = (writer: SpsWriter): string => Buffer.from(writer.bytes).toString("hex");
const reader = (bytes: Uint8Array): SpsReader => new SpsReader(bytes, "message");

const ENCODINGS: [string, SpsWriter, string][] = [
  ["bool", new SpsWriter().bool(true).bool(false), "0100"],
  ["u8, u16, u32 unaligned", new SpsWriter().u8(1).u16(0x203).u32(0x4050607), "01030207060504"],
  ["u64", new SpsWriter().u64(0x1_0000_0002), "0200000001000000"],
  ["negative 64-bit", new SpsWriter().u64(-2), "feffffffffffffff"],
  ["address range", new SpsWriter().addressRange({ start: 16, end: 32 }), "10000000000000002000000000000000"],
  ["string", new SpsWriter().string("é"), "0200000000000000c3a9"],
  ["sequence", new SpsWriter().sequence([1, 2], (item, out) => out.u8(item)), "02000000000000000102"],
  ["optional", new SpsWriter().optional(undefined, () => {}).optional(5, (item, out) => out.u8(item)), "000105"],
  ["error", new SpsWriter().error(undefined).error("x"), "0001010000000000000078"],
];

for (const [name, writer, expected] of ENCODINGS) {
  test(`${name} is written as SPS has it`, () => assert.equal(hexOf(writer), expected));
}

test("what is written is read back", () => {
  const value = fc.record({
    flag: fc.boolean(),
    word: fc.integer({ min: -(2 ** 53 - 1), max: 2 ** 53 - 1 }),
    text: fc.string({ unit: "grapheme" }),
    numbers: fc.array(fc.nat(0xffff_ffff)),
    maybe: fc.option(fc.nat(0xffff), { nil: undefined }),
  });
  fc.assert(
    fc.property(value, ({ flag, word, text, numbers, maybe }) => {
      const out = new SpsWriter(1).bool(flag).u64(word).string(text);
      out.sequence(numbers, (item) => out.u32(item)).optional(maybe, (item) => out.u16(item));
      const input = reader(out.bytes);
      assert.equal(input.bool("flag"), flag);
      assert.equal(input.i64("word"), word);
      assert.equal(input.string("text"), text);
      assert.deepEqual(
        input.sequence("numbers", 4, (items) => items.u32("number")),
        numbers,
      );
      assert.equal(
        input.optional("maybe", (items) => items.u16("value")),
        maybe,
      );
      assert.equal(input.remaining, 0);
    }),
  );
});

test("expected values and their errors have the opposite polarity of errors", () => {
  const value = reader(new SpsWriter().bool(true).u8(9).bytes).expected("result", (input) => input.u8("value"));
  assert.deepEqual(value, { value: 9 });
  const failure = reader(new SpsWriter().bool(false).string("no").bytes).expected("result", (input) => input.u8("v"));
  assert.deepEqual(failure, { error: "no" });
});

test("huge counts are refused before anything is allocated", () => {
  const bytes = new SpsWriter().u64(2 ** 50).bytes;
  assert.throws(() => reader(bytes).sequence("names", 9, (input) => input.string("name")), {
    code: "protocol",
    message: "message: names has 0x4000000000000 elements of at least 9 bytes, but 0x0 remain",
  });
  assert.throws(() => reader(bytes).blob("contents"), /contents needs 0x4000000000000 bytes, 0x0 remain/);
});

test("a message cut anywhere is a protocol error that names the field", () => {
  const bytes = new Uint8Array(new SpsWriter().bool(true).u64(5).string("name").bytes);
  for (let length = 0; length < bytes.length; length++) {
    const input = reader(bytes.subarray(0, length));
    const read = (): void => {
      input.bool("flag");
      input.u64("address");
      input.string("text");
    };
    assert.throws(
      read,
      (error) => error instanceof ProtocolError && /message: (flag|address|text)/.test(error.message),
    );
  }
});

test("booleans other than 0 and 1, and words beyond 2^53, are refused", () => {
  assert.throws(() => reader(new Uint8Array([2])).bool("flag"), /flag is 0x2, not 0 or 1/);
  const words = new BigUint64Array([1n << 63n]);
  assert.throws(() => reader(new Uint8Array(words.buffer)).u64("address"), /2\^53 or more/);
  assert.throws(() => reader(new Uint8Array(words.buffer)).i64("word"), /beyond ±2\^53/);
});
