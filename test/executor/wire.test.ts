import assert from "node:assert/strict";
import { test } from "node:test";
import { B, encodeFrame, M, OPCODE, OURS, RawController } from "./controller.ts";
import { SpsReader, sps } from "./sps.ts";

/** Without `parent=`, so that the end of the stream shows how the executor takes it. */
const start = (): Promise<RawController> => RawController.start(["filedescs=3,3"]);

const BROKEN: [string, Uint8Array, RegExp][] = [
  ["a size below the header's", sps().u64(31).u64(3).u64(0).u64(0).bytes, /frame of 31 bytes, expected 32 to/],
  [
    "a size of 2^40",
    sps()
      .u64(2 ** 40)
      .u64(3)
      .u64(0)
      .u64(0).bytes,
    /frame of 1099511627776 bytes, expected 32 to/,
  ],
  ["an unknown opcode", encodeFrame(4, 0, 0), /frame with opcode 4, expected 0 to 3/],
  ["an opcode with high bits", encodeFrame(0x103, 0, 0), /frame with opcode 259/],
  ["a Setup frame", encodeFrame(OPCODE.setup, 0, 0), /Setup frame, which only executors send/],
  ["a result nobody waits for", encodeFrame(OPCODE.result, 5, 0), /result 5, which no call is waiting for/],
  ["a result with a tag", encodeFrame(OPCODE.result, 5, 1), /result 5 with tag 0x1, expected 0/],
  ["an end inside the header", new Uint8Array(20), /ended inside a frame header: 20 of 32 bytes/],
  [
    "an end inside the payload",
    encodeFrame(OPCODE.call, 0, 0, new Uint8Array(40)).slice(0, 50),
    /inside a frame: 18 of 40/,
  ],
  [
    "an end inside a huge payload",
    sps()
      .u64(2 ** 30)
      .u64(3)
      .u64(0)
      .u64(0).bytes,
    /inside a frame: 0 of 1073741792/,
  ],
];

for (const [name, bytes, expected] of BROKEN) {
  test(`${name} ends the executor with one sentence, a Hangup that says it, and status 1`, async () => {
    const controller = await start();
    controller.socket.end(bytes);
    assert.deepEqual(await controller.ended, { status: 1, signal: null });
    assert.match(controller.stderr, expected);
    assert.equal(controller.stderr, `slablink-executor: ${controller.hangup}\n`);
  });
}

test("the end of the stream between frames is a clean end", async () => {
  const controller = await start();
  assert.deepEqual(await controller.close(), { status: 0, signal: null });
  assert.equal(controller.stderr, "");
});

test("a Hangup is a clean end, with and without its payload", async () => {
  for (const payload of [new Uint8Array(), sps().bool(true).sequence("bye").bytes]) {
    const controller = await start();
    controller.socket.write(encodeFrame(OPCODE.hangup, 0, 0, payload));
    assert.deepEqual(await controller.ended, { status: 0, signal: null });
  }
});

test("frames may arrive byte by byte, and several at once", async () => {
  const controller = await start();
  const one = controller.call(`${OURS}processor_time`);
  await one;
  const frame = encodeFrame(OPCODE.call, 1000, controller.address(`${OURS}processor_time`));
  const results: number[] = [];
  let pending = Buffer.alloc(0);
  controller.socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (; pending.length >= 48; pending = pending.subarray(48)) results.push(Number(pending.readBigUInt64LE(16)));
  });
  for (const byte of frame) {
    controller.socket.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const more = [1001, 1002, 1003].map((sequence) => {
    const copy = frame.slice();
    new DataView(copy.buffer).setUint32(16, sequence, true);
    return copy;
  });
  controller.socket.write(Buffer.concat(more));
  await controller.call(`${OURS}processor_time`);
  assert.deepEqual(results.slice(0, 4), [1000, 1001, 1002, 1003]);
  await controller.close();
});

test("counts that the bytes cannot hold are answered, not believed", async () => {
  const controller = await start();
  const huge = sps().u64(0).raw(new Uint8Array(8).fill(0xff));
  await assert.rejects(
    async () => (await controller.call(`${M}initialize_wrapper`, huge)).expected((r) => r.u64()),
    /cannot be decoded from 16 bytes/,
  );
  await assert.rejects(
    async () => (await controller.call(`${M}deinitialize_wrapper`, huge)).success(),
    /cannot be decoded from 16 bytes/,
  );
  const words = sps().raw(new Uint8Array(8).fill(0xff));
  assert.equal((await controller.call(`${B}mem_write_buffers_wrapper`, words)).rest, 0);
  assert.equal((await controller.call(`${B}mem_read_uint64s_wrapper`, words)).rest, 0);
  assert.equal((await controller.close()).status, 0);
  assert.match(controller.stderr, /mem_read_uint64s: its arguments cannot be decoded from 8 bytes/);
});

test("every wrapper answers arguments cut short at any byte", async () => {
  const controller = await start();
  const silent = /Instance$|dispatch_|processor_time$/;
  for (const [name] of (await controller.setup).symbols) {
    if (silent.test(name)) continue;
    for (let size = 0; size < 8; size++) {
      const reader: SpsReader = await controller.call(name, sps().zeros(size));
      assert.ok(reader instanceof SpsReader, name);
    }
  }
  assert.equal((await controller.close()).status, 0);
});

test("a call to an address without code is answered empty, with a sentence", async () => {
  const controller = await start();
  for (const address of [0, 0x10, 2 ** 47, controller.address(`${M}Instance`)]) {
    assert.equal((await controller.call(address)).rest, 0);
  }
  assert.equal((await controller.close()).status, 0);
  assert.equal(controller.stderr.match(/no code there/g)?.length, 4);
});
