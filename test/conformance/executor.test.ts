import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { executorPath } from "../executor/controller.ts";
import { SpsReader } from "../executor/sps.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import {
  type Case,
  encodeStep,
  type Frame,
  fragmentations,
  isFor,
  readCases,
  type Session,
  type Side,
  splitFrames,
  wrongFrame,
} from "./stream.ts";

const LLVM = "/usr/lib/llvm-22/bin/llvm-jitlink-executor";
const executors: Record<Side, string> = { slablink: executorPath, llvm: LLVM };

/** Longest that an answer may take, in ms. */
const LIMIT = 20_000;

const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** An executor under test, and the frames that it has sent. */
class Peer {
  readonly session: Session = { symbols: new Map<string, bigint>(), variables: new Map() };
  readonly #child: ChildProcess;
  readonly #stream: Duplex;
  readonly #ended: Promise<[number | null, NodeJS.Signals | null]>;
  #bytes: Buffer = Buffer.alloc(0);
  #frames: Frame[] = [];
  #stderr = "";
  #arrived: () => void = () => {};
  #over = false;

  constructor(path: string) {
    this.#child = spawn(path, ["filedescs=3,3"], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
    running.add(this.#child);
    this.#stream = this.#child.stdio[3] as Duplex;
    this.#stream.on("error", () => {});
    this.#stream.on("data", (chunk: Buffer) => {
      const { frames, rest } = splitFrames(Buffer.concat([this.#bytes, chunk]));
      this.#bytes = rest;
      this.#frames.push(...frames);
      this.#arrived();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#ended = once(this.#child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
    void this.#ended.then(() => {
      this.#over = true;
      running.delete(this.#child);
      this.#arrived();
    });
  }

  /** Waits for one of the frames that lines expect; it is taken out. */
  async frame(accepts: (frame: Frame) => boolean, what: string): Promise<Frame> {
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), LIMIT);
    for (;;) {
      const at = this.#frames.findIndex(accepts);
      if (at >= 0) {
        clearTimeout(limit);
        return this.#frames.splice(at, 1)[0];
      }
      if (this.#over) throw new Error(`no ${what}: the executor has ended; ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  async send(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#stream.destroyed) return;
      this.#stream.write(piece);
      await turn();
    }
  }

  /** Its exit status as a shell shows it. */
  async status(close: boolean): Promise<{ status: number; stderr: string; unexpected: Frame[] }> {
    if (close) this.#stream.end();
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), LIMIT);
    const [status, signal] = await this.#ended;
    clearTimeout(limit);
    return {
      status: signal === null ? (status ?? -1) : 128 + constants.signals[signal],
      stderr: this.#stderr,
      unexpected: this.#frames,
    };
  }
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

async function start(side: Side): Promise<Peer> {
  const peer = new Peer(executors[side]);
  const setup = await peer.frame((frame) => frame.opcode === 0n, "Setup");
  assert.equal(setup.sequence, 0n);
  assert.equal(setup.tag.readBigUInt64LE(), 0n);
  const { about, symbols } = readSetup(setup.payload);
  assert.deepEqual(about, ["x86_64-pc-linux-gnu", 4096, 0]);
  peer.session.symbols = symbols;
  return peer;
}

async function play(side: Side, { steps }: Case, cut: (bytes: Buffer) => Buffer[]): Promise<void> {
  const peer = await start(side);
  const own = steps.filter((step) => step.side === undefined || step.side === side);
  let batch: Buffer[] = [];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(batch);
    batch = [];
    if (bytes.length > 0) await peer.send(cut(bytes));
  };
  let outcome: Awaited<ReturnType<Peer["status"]>> | undefined;
  for (const { verb, words } of own) {
    const line = `${verb} ${words.join(" ")}`;
    if (verb === ">") batch.push(encodeStep(words, peer.session));
    else if (verb === "<") {
      await flush();
      const frame = await peer.frame((candidate) => isFor(words, candidate), line);
      assert.equal(wrongFrame(words, frame, peer.session), undefined, line);
    } else if (verb === "says") {
      assert.ok(outcome?.stderr.includes(words.join(" ")), `${outcome?.stderr} does not say "${words.join(" ")}"`);
    } else {
      await flush();
      outcome = await peer.status(verb === "end");
      assert.equal(outcome.status, Number(words[0]), `${line}: ${outcome.stderr}`);
      assert.deepEqual(outcome.unexpected, []);
    }
  }
  assert.ok(outcome, "the case does not say how the executor ends");
}

const cases = readCases("executor.txt");

for (const [pieces, cut] of Object.entries(fragmentations)) {
  test(`executor, frames ${pieces}: slablink's and LLVM 22's answer what the streams say`, async (t) => {
    const llvm = has(t, LLVM);
    for (const conformance of cases) {
      await t.test(`${conformance.message}: ${conformance.form}`, async () => {
        await play("slablink", conformance, cut);
        if (llvm) await play("llvm", conformance, cut);
        const same = conformance.steps.every((step) => step.side === undefined || step.verb === "says");
        assert.equal(conformance.note === undefined, same, "a note says where the two differ");
        const { message, form, note = "the same from slablink and LLVM 22" } = conformance;
        tableRow("messages", "executor", message, form, note);
      });
    }
  });
}
