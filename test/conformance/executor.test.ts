import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { test } from "node:test";
import { executorPath } from "../executor/controller.ts";
import { SpsReader } from "../executor/sps.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { type Ending, Peer, play, resultOf } from "./play.ts";
import { fragmentations, readCases } from "./stream.ts";

const LLVM = "/usr/lib/llvm-22/bin/llvm-jitlink-executor";

/**
 * Starts an executor and takes its Setup. Its stream is two sockets: Node destroys one that a write has failed on, with
 * what is still to be read there, and an executor that hangs up fails the writes that come later.
 */
async function start(path: string): Promise<Peer> {
  const child = spawn(path, ["filedescs=3,4"], { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words += text;
  });
  const ended = once(child, "close").then(([status, signal]): Ending => {
    return { status: signal === null ? status : 128 + constants.signals[signal as NodeJS.Signals], words };
  });
  const streams = { input: child.stdio[3] as Writable, output: child.stdio[4] as Readable };
  const peer = new Peer(streams, new Map(), ended, () => child.kill("SIGKILL"));
  const { sequence, tag, payload } = await peer.frame((frame) => frame.opcode === 0n, "Setup");
  assert.deepEqual([sequence, tag.readBigUInt64LE()], [0n, 0n]);
  const { about, symbols } = readSetup(payload);
  assert.deepEqual(about, ["x86_64-pc-linux-gnu", 4096, 0]);
  peer.session.symbols = symbols;
  return peer;
}

/** String triple, u64 page size, Sequence<(String, Sequence<char>)>, Sequence<(String, Addr)>. */
function readSetup(payload: Buffer): { about: [string, number, number]; symbols: Map<string, bigint> } {
  const reader = new SpsReader(payload);
  const about: [string, number, number] = [reader.string(), reader.u64(), reader.u64()];
  const symbols = new Map<string, bigint>();
  for (let count = reader.u64(); count > 0; count--) {
    const name = reader.string();
    symbols.set(name, BigInt(reader.u64()));
  }
  assert.equal(reader.rest, 0, "bytes behind the Setup message");
  return { about, symbols };
}

const cases = readCases("executor.txt");

for (const [pieces, cut] of Object.entries(fragmentations)) {
  test(`executor, frames ${pieces}: slablink's and LLVM 22's answer what the streams say`, async (t) => {
    const llvm = has(t, LLVM);
    for (const conformance of cases) {
      const { message, form } = conformance;
      await t.test(`${message}: ${form}`, async () => {
        await play(await start(executorPath), "slablink", conformance, cut);
        if (llvm) await play(await start(LLVM), "llvm", conformance, cut);
        tableRow("messages", "executor", message, form, resultOf(conformance));
      });
    }
  });
}
