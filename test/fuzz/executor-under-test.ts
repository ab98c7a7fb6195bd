import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { type Frame, FrameDecoder, Opcode } from "../../src/epc/frame.ts";
import { decodeSetup } from "../../src/epc/setup.ts";
import { encodeFrame } from "../executor/protocol.ts";

import { ECHO_TAG } from "./world.ts";

/** No answer within this many seconds is a hang; sanitizers make everything some times slower. */
const PATIENCE_SECONDS = 60;

/** What the process said and how it ended. */
export interface End {
  status: number | null;
  signal: string | null;
  /** The reason in its Hangup, if it sent one. */
  hangup: string | undefined;
  stderr: string;
}

/** An executor that gets frames nobody sane would send. Every violation of the protocol by itself is an Error. */
export class ExecutorUnderTest {
  readonly symbols = new Map<string, number>();
  readonly names = new Map<bigint, string>();
  stderr = "";
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #stream: Duplex;
  readonly #decoder = new FrameDecoder();
  readonly #ended: Promise<{ status: number | null; signal: string | null }>;
  /** How many results each sequence number is still to get, and who wants to see them. */
  readonly #awaited = new Map<number, ((payload: Uint8Array) => void)[]>();
  #outstanding = 0;
  #setUp = false;
  #hangup: string | undefined;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(path: string, env: NodeJS.ProcessEnv, inherited: readonly number[], words: readonly string[]) {
    const stdio = ["ignore" as const, "ignore" as const, "pipe" as const, "pipe" as const, ...inherited];
    this.#process = spawn(path, ["filedescs=3,3", ...words], { env: { ...process.env, ...env }, stdio });
    this.pid = this.#process.pid!;
    this.#stream = this.#process.stdio[3] as Duplex;
    this.#process.stderr!.setEncoding("latin1").on("data", (text: string) => {
      // Sentences about bad requests come by the thousand; a sanitizer's report is the last that comes.
      this.stderr = (this.stderr + text).slice(-200_000);
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once("close", (status, signal) => {
        resolve({ status, signal });
        this.#wake();
      });
    });
    this.#stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#stream.on("error", () => {});
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Waits for Setup. */
  async ready(): Promise<void> {
    await this.#until(() => this.#setUp);
    for (const [name, address] of this.symbols) this.names.set(BigInt(address), name);
  }

  /** Sends a call as it is. */
  call(sequence: number, tag: bigint, payload: Uint8Array, done: (payload: Uint8Array) => void = () => {}): void {
    const waiting = this.#awaited.get(sequence);
    if (waiting) waiting.push(done);
    else this.#awaited.set(sequence, [done]);
    this.#outstanding++;
    const frame = encodeFrame(Opcode.callWrapper, sequence, 0, payload).slice();
    new DataView(frame.buffer).setBigUint64(24, tag, true);
    this.#stream.write(frame);
  }

  /** Sends bytes that are no proper frame. */
  sendRaw(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Waits until every call has had its one result. */
  settled(): Promise<void> {
    return this.#until(() => this.#outstanding === 0);
  }

  /** Ends the stream, or sees it ended, and waits for the process. */
  async end(): Promise<End> {
    this.#stream.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE_SECONDS * 1000);
    });
    const ended = await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    if (!ended) {
      this.kill();
      throw new Error(`the executor did not end within ${PATIENCE_SECONDS} s`);
    }
    if (this.#failure) throw this.#failure;
    return { ...ended, hangup: this.#hangup, stderr: this.stderr };
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Resident memory in MiB. */
  get resident(): number {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, "latin1"));
    return Number(match?.[1] ?? 0) / 1024;
  }

  async #until(condition: () => boolean): Promise<void> {
    const limit = Date.now() + PATIENCE_SECONDS * 1000;
    while (!condition()) {
      if (this.#failure) throw this.#failure;
      if (!this.alive) throw new Error("the executor has ended");
      if (Date.now() > limit) throw new Error(`no answer within ${PATIENCE_SECONDS} s to ${this.#outstanding} calls`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk, (frame) => this.#take(frame));
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#wake();
  }

  #take(frame: Frame): void {
    if (frame.opcode === Opcode.setup) {
      for (const [name, address] of decodeSetup(frame.payload).symbols) this.symbols.set(name, address);
      this.#setUp = true;
    } else if (frame.opcode === Opcode.hangup) {
      this.#hangup = Buffer.from(frame.payload.subarray(9)).toString("latin1");
    } else if (frame.opcode === Opcode.result) {
      const done = this.#awaited.get(frame.sequence)?.shift();
      if (!done) throw new Error(`a second result for call ${frame.sequence}`);
      this.#outstanding--;
      done(frame.payload);
    } else if (frame.tag === ECHO_TAG) {
      this.#stream.write(encodeFrame(Opcode.result, frame.sequence, 0, frame.payload).slice());
    } else if (frame.tag !== this.symbols.get("__slablink_trace_batches")) {
      throw new Error(`the executor sent a call of ${frame.tag}`);
    }
  }
}
