import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { Slablink } from "../../src/epc/dialect.ts";
import { encodeHeader, type Frame, FrameDecoder, Opcode } from "../../src/epc/frame.ts";
import { decodeSetup } from "../../src/epc/setup.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { executorPath, isAlive } from "../epc/executors.ts";
import { buildSanitizedExecutor } from "../fuzz/sanitized.ts";
import { Random } from "../support/mutate.ts";
import { childrenOf } from "./front.ts";

/** A controller that says what it likes to a supervisor. */
class Supervised {
  readonly pid: number;
  readonly stream: Duplex;
  readonly frames: Frame[] = [];
  readonly setUp: Promise<ReadonlyMap<string, number>>;
  readonly ended: Promise<number | null>;
  stderr = "";

  constructor(path: string) {
    const child = spawn(path, ["supervise", "filedescs=3,3"], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
    this.pid = child.pid!;
    this.stream = child.stdio[3] as Duplex;
    const decoder = new FrameDecoder();
    let setUp: (symbols: ReadonlyMap<string, number>) => void = () => {};
    this.setUp = new Promise((resolve) => {
      setUp = resolve;
    });
    this.stream.on("data", (chunk) => {
      decoder.push(chunk, (frame) => {
        this.frames.push(frame);
        if (frame.opcode === Opcode.setup) setUp(decodeSetup(frame.payload).symbols);
      });
    });
    this.stream.on("error", () => {});
    child.stderr!.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => child.on("close", resolve));
  }
}

const message = (tag: number, payload: Uint8Array): Buffer =>
  Buffer.concat([encodeHeader(Opcode.callWrapper, 0, tag, payload.length), payload]);

test("a supervised executor says how it ended, also when its controller has closed its side", async () => {
  const executor = new Supervised(executorPath);
  const symbols = await executor.setUp;
  executor.stream.write(message(symbols.get(Slablink.signal)!, new SpsWriter(5).u32(15).bool(false).bytes));
  executor.stream.end();
  assert.equal(await executor.ended, 0);
  const last = executor.frames.at(-1)!;
  assert.equal(last.tag, symbols.get(Slablink.processEnd));
  const reader = new SpsReader(last.payload, "the end");
  assert.deepEqual([reader.u32("status"), reader.u32("signal")], [0, 15]);
});

test("messages that cannot be end a supervisor's session with one sentence", async () => {
  const window = 256 * 1024;
  const wrong: [name: string, payload: SpsWriter, sentence: string][] = [
    [Slablink.stdioTaken, new SpsWriter().u32(1).u64(1), "the controller has taken more output than it was sent"],
    [Slablink.stdioTaken, new SpsWriter().u32(7).u64(0), "the controller has taken more output than it was sent"],
    [
      Slablink.stdioInput,
      new SpsWriter().blob(new Uint8Array(window + 1)),
      "the controller sent more standard input than it was allowed to",
    ],
    [
      Slablink.stdioInput,
      new SpsWriter().u64(2 ** 40),
      "the controller sent a message to the supervisor that is too short",
    ],
    [Slablink.signal, new SpsWriter().u32(15), "the controller sent a message to the supervisor that is too short"],
    [
      Slablink.stdioInput,
      new SpsWriter().blob(new Uint8Array(2 * window)),
      "the controller sent a message to the supervisor that is larger than any",
    ],
  ];
  for (const [name, payload, sentence] of wrong) {
    const executor = new Supervised(executorPath);
    const symbols = await executor.setUp;
    executor.stream.write(message(symbols.get(name)!, payload.bytes));
    assert.equal(await executor.ended, 0);
    assert.equal(executor.stderr, `slablink-executor: ${sentence}\n`, name);
    executor.stream.destroy();
  }
});

test("a stopped executor does not outlive its controller", async () => {
  const executor = new Supervised(executorPath);
  const symbols = await executor.setUp;
  const [child] = childrenOf(executor.pid);
  executor.stream.write(message(symbols.get(Slablink.signal)!, new SpsWriter(5).u32(19).bool(false).bytes));
  executor.stream.end();
  assert.equal(await executor.ended, 0);
  assert.ok(!isAlive(child!.pid));
});

const SESSIONS = 24;

test("whatever a controller sends, a supervisor touches nothing but its own memory and leaves nothing", async () => {
  const path = buildSanitizedExecutor("address,undefined");
  for (let seed = 1; seed <= SESSIONS; seed++) {
    const random = new Random(seed);
    const executor = new Supervised(path);
    const symbols = await executor.setUp;
    const children = childrenOf(executor.pid);
    const bytes = Buffer.concat(Array.from({ length: 20 }, () => anything(random, symbols)));
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.below(2) ? 40 : 40_000);
      executor.stream.write(bytes.subarray(at, at + size));
      at += size;
      if (random.below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (random.below(2)) executor.stream.end();
    else executor.stream.destroy();
    assert.equal(await executor.ended, 0, `seed ${seed}: ${executor.stderr}`);
    assert.doesNotMatch(executor.stderr, /Sanitizer|runtime error/, `seed ${seed}`);
    assert.deepEqual(
      children.filter(({ pid }) => isAlive(pid)),
      [],
      `seed ${seed}`,
    );
  }
});

/** A message or frame, as it should be or not. */
function anything(random: Random, symbols: ReadonlyMap<string, number>): Buffer {
  const names = [
    Slablink.stdioInput,
    Slablink.stdioTaken,
    Slablink.stdioClosed,
    Slablink.signal,
    Slablink.stdioOutput,
    Slablink.processEnd,
  ];
  const name = names[random.below(names.length)]!;
  const tag = symbols.get(name)!;
  const some = (most: number) => new Uint8Array(random.below(most)).map(() => random.below(256));
  switch (random.below(8)) {
    case 0:
      return message(tag, some(24));
    case 1:
      return message(symbols.get(Slablink.stdioInput)!, new SpsWriter().blob(some(9000)).bytes);
    case 2:
      // The signals that stop are among them.
      return message(
        symbols.get(Slablink.signal)!,
        new SpsWriter().u32(random.below(70)).bool(random.below(2) === 1).bytes,
      );
    case 3:
      return message(symbols.get(Slablink.stdioClosed)!, new SpsWriter().u32(random.below(4)).bytes);
    case 4:
      return Buffer.concat([encodeHeader(3, random.below(50), symbols.get(Slablink.processorTime)!, 0)]);
    case 5: {
      const payload = some(64);
      return Buffer.concat([
        encodeHeader(random.below(5), 0, tag, Math.max(0, payload.length - random.below(3))),
        payload,
      ]);
    }
    case 6:
      return message(symbols.get(Slablink.stdioTaken)!, new SpsWriter().u32(random.below(3)).u64(0).bytes);
    default:
      return message(tag, new SpsWriter().u32(random.below(4)).u64(random.below(1 << 20)).bytes);
  }
}
