import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHeader, type Frame, FrameDecoder, HEADER_SIZE, MAX_PAYLOAD, Opcode } from "../../src/epc/frame.ts";

const frameBytes = ({ opcode, sequence, tag, payload }: Frame): Uint8Array =>
  Buffer.concat([encodeHeader(opcode, sequence, tag, payload.length), payload]);

function decode(chunks: Iterable<Uint8Array>): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  for (const chunk of chunks) {
    decoder.push(chunk, ({ opcode, sequence, tag, payload }) =>
      frames.push({ opcode, sequence, tag, payload: new Uint8Array(payload) }),
    );
  }
  assert.equal(decoder.pending, 0);
  return frames;
}

const FRAMES: Frame[] = [
  { opcode: Opcode.setup, sequence: 0, tag: 0, payload: new Uint8Array([1, 2, 3]) },
  { opcode: Opcode.callWrapper, sequence: 1, tag: 0x7fff_1234_5678, payload: new Uint8Array(0) },
  { opcode: Opcode.result, sequence: 2 ** 40, tag: 0, payload: new Uint8Array(100).fill(7) },
];

test("the header is as SimpleRemoteEPC has it", () => {
  const expected = "2300000000000000" + "0300000000000000" + "0500000000000000" + "785634123fff0000";
  const header = encodeHeader(Opcode.callWrapper, 5, 0xff3f_1234_5678, 3);
  assert.equal(Buffer.from(header).toString("hex"), expected);
});

test("frames that arrive byte by byte are whole", () => {
  const bytes = Buffer.concat(FRAMES.map(frameBytes));
  assert.deepEqual(decode([...bytes].map((byte) => new Uint8Array([byte]))), FRAMES);
});

test("any fragmentation gives the same frames", () => {
  const bytes = Buffer.concat(FRAMES.map(frameBytes));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
      assert.deepEqual(decode(chunks), FRAMES);
    }),
  );
});

test("sizes below a header and beyond the limit are refused at the header, without waiting for the bytes", () => {
  const header = encodeHeader(Opcode.result, 0, 0, 0);
  for (const [size, text] of [
    [31, "0x1f"],
    [2 ** 40, "0x10000000000"],
    [HEADER_SIZE + MAX_PAYLOAD + 1, "0x10000021"],
  ] as const) {
    new DataView(header.buffer).setBigUint64(0, BigInt(size), true);
    assert.throws(() => decode([header]), { code: "protocol", message: new RegExp(`size ${text} is not in`) });
  }
});

test("opcodes are compared whole: 0x103 is not 3", () => {
  const header = encodeHeader(0x103, 0, 0, 0);
  assert.throws(() => decode([header]), /opcode 0x103 is not in \[0x0, 0x3\]/);
});

test("numbers of 2^53 and more are refused", () => {
  const header = encodeHeader(Opcode.result, 0, 0, 0);
  new DataView(header.buffer).setBigUint64(16, 1n << 53n, true);
  assert.throws(() => decode([header]), /sequence number is 2\^53 or more/);
});
