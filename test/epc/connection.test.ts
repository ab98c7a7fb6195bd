import assert from "node:assert/strict";
import { test } from "node:test";
import { EpcConnection } from "../../src/epc/connection.ts";
import { Opcode } from "../../src/epc/frame.ts";
import { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { decodeSetup } from "../../src/epc/setup.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { FakeExecutor } from "./fake-executor.ts";

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

async function connect(symbols: Record<string, number> = {}): Promise<[FakeExecutor, EpcConnection]> {
  const executor = new FakeExecutor();
  const connection = new EpcConnection(executor.stream);
  executor.setup(symbols);
  await connection.setup;
  return [executor, connection];
}

test("Setup gives the executor's triple, page size and symbols", async () => {
  const executor = new FakeExecutor();
  const connected = RemoteExecutorProcessControl.connect(executor.stream);
  executor.setup({ first: 0x1000, second: 0x2000 });
  const epc = await connected;
  assert.equal(epc.triple, "x86_64-pc-linux-gnu");
  assert.equal(epc.pageSize, 4096);
  assert.deepEqual(
    [...epc.bootstrap],
    [
      ["first", 0x1000],
      ["second", 0x2000],
    ],
  );
  await assert.rejects(epc.callWrapper("third", bytes()), /the executor has no third/);
  await epc.disconnect();
});

test("a handler's Promise of what cannot be sent ends the session, and nothing else", async () => {
  const [executor, connection] = await connect();
  connection.handle(0x10, async () => undefined as never);
  executor.send(Opcode.callWrapper, 1, 0x10, bytes());
  assert.match(String(await connection.closed), /TypeError: .*length/);
});

test("a Setup that is wrong is refused: page size, symbols twice, another frame first, none at all", async () => {
  const symbol = (out: SpsWriter): SpsWriter => out.string("a").u64(1);
  const twice = new SpsWriter().string("t").u64(4096).u64(0).u64(2);
  assert.throws(() => decodeSetup(symbol(symbol(twice)).bytes), /has "a" twice/);
  assert.throws(() => decodeSetup(new SpsWriter().string("t").u64(0).u64(0).u64(0).bytes), /page size 0x0/);
  const executor = new FakeExecutor();
  const connected = RemoteExecutorProcessControl.connect(executor.stream);
  executor.send(Opcode.result, 0, 0, bytes());
  await assert.rejects(connected, /first frame has opcode 0x2, not 0x0 \(Setup\)/);
  const silent = RemoteExecutorProcessControl.connect(new FakeExecutor().stream, { setupLimit: 20 });
  await assert.rejects(silent, /no Setup message within 20 ms/);
});

test("results reach their calls in whatever order they come", async () => {
  const [executor, connection] = await connect();
  const calls = [10, 20, 30].map((tag) => connection.call(tag, bytes(tag)));
  const frames = await executor.frames(3);
  assert.deepEqual(
    frames.map(({ opcode, sequence, tag }) => [opcode, sequence, tag]),
    [
      [3, 0, 10],
      [3, 1, 20],
      [3, 2, 30],
    ],
  );
  for (const frame of frames.toReversed()) executor.send(Opcode.result, frame.sequence, 0, frame.payload);
  assert.deepEqual(
    (await Promise.all(calls)).map(([byte]) => byte),
    [10, 20, 30],
  );
  assert.deepEqual(connection.counters, {
    requests: 3,
    bytesSent: 3 * 33,
    bytesReceived: connection.counters.bytesReceived,
  });
  assert.ok(connection.counters.bytesReceived > 3 * 33);
});

test("a large argument arrives whole", async () => {
  const [executor, connection] = await connect();
  const argument = new Uint8Array(300_000).map((_, i) => i);
  void connection.call(1, argument).catch(() => {});
  const [frame] = await executor.frames(1);
  assert.deepEqual(Buffer.compare(frame.payload, argument), 0);
});

test("the end of the stream fails every pending call, and later ones", async () => {
  const [executor, connection] = await connect();
  const calls = [1, 2].map((tag) => connection.call(tag, bytes()));
  executor.end();
  for (const call of calls) await assert.rejects(call, /the executor closed the connection/);
  await assert.rejects(connection.call(3, bytes()), /the executor closed the connection/);
  assert.equal(connection.outstanding, 0);
});

test("an end inside a frame says so", async () => {
  const [executor, connection] = await connect();
  const call = connection.call(1, bytes());
  executor.sendBytes(bytes(40, 0, 0));
  executor.end();
  await assert.rejects(call, /ended inside a frame, after 0x3 bytes/);
});

for (const [what, opcode, sequence, tag, message] of [
  ["a result nobody asked for", Opcode.result, 7, 0, /answered call 7, which is not outstanding/],
  ["a result with a tag", Opcode.result, 0, 5, /a result has the tag 0x5, not 0x0/],
  ["a second Setup", Opcode.setup, 0, 0, /second Setup/],
] as const) {
  test(`${what} ends the session with the reason`, async () => {
    const [executor, connection] = await connect();
    const call = connection.call(1, bytes());
    executor.send(opcode, sequence, tag, bytes());
    await assert.rejects(call, { code: "protocol", message });
    assert.ok(executor.stream.destroyed);
  });
}

test("Hangup fails pending calls with the executor's own words", async () => {
  const [executor, connection] = await connect();
  const call = connection.call(1, bytes());
  executor.send(Opcode.hangup, 0, 0, new SpsWriter().error("SIGSEGV at 0x0").bytes);
  await assert.rejects(call, { code: "executor", message: "SIGSEGV at 0x0" });
});

test("calls from the executor are answered by their handler, unknown tags with nothing", async () => {
  const [executor, connection] = await connect();
  connection.handle(0x10, async (argument) => bytes(argument[0] + 1));
  connection.handle(0x20, () => {
    throw new Error("broken handler");
  });
  executor.send(Opcode.callWrapper, 0, 0x10, bytes(41));
  executor.send(Opcode.callWrapper, 1, 0x99, bytes(1));
  executor.send(Opcode.callWrapper, 2, 0x20, bytes(1));
  const frames = await executor.frames(3);
  const answers = frames.map(({ opcode, sequence, tag, payload }) => [opcode, sequence, tag, ...payload]);
  answers.sort((a, b) => a[1] - b[1]);
  assert.deepEqual(answers, [
    [2, 0, 0, 42],
    [2, 1, 0],
    [2, 2, 0],
  ]);
});

test("the executor's last words are kept", async () => {
  const executor = new FakeExecutor();
  const connected = RemoteExecutorProcessControl.connect(executor.stream);
  executor.setup();
  const epc = await connected;
  executor.send(Opcode.hangup, 0, 0, new SpsWriter().error("SIGILL at 0x1").bytes);
  await epc.ended;
  assert.equal(epc.lastWords, "SIGILL at 0x1");
});
