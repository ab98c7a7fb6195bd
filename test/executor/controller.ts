import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { after } from "node:test";
import { encodeFrame, OPCODE } from "./protocol.ts";
import { SpsReader, type SpsWriter, sps } from "./sps.ts";

export * from "./protocol.ts";

const { buildExecutor } = (await import(new URL("../../../scripts/build-executor.mjs", import.meta.url).href)) as {
  buildExecutor(): string;
};

/** The native program, built when it is out of date. */
export const executorPath = buildExecutor();

export interface Frame {
  opcode: number;
  sequence: number;
  tag: number;
  payload: Uint8Array;
}

export interface Setup {
  triple: string;
  pageSize: number;
  map: [string, Uint8Array][];
  symbols: [string, number][];
}

export interface Ending {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** Executors of failed tests are still there when a test file is through. */
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** A controller as bare as can be: frames out, frames in, results matched to calls. */
export class RawController {
  readonly process: ChildProcess;
  readonly socket: Duplex;
  readonly setup: Promise<Setup>;
  readonly ended: Promise<Ending>;
  readonly symbols = new Map<string, number>();
  /** What linked code asks of the controller; undefined: nothing is answered. */
  onCall: (tag: number, payload: Uint8Array) => Uint8Array | undefined = () => new Uint8Array();
  /** What its Hangup said. */
  hangup: string | undefined;
  stdout = "";
  stderr = "";
  #pending = Buffer.alloc(0);
  #calls = new Map<number, { resolve: (payload: Uint8Array) => void; reject: (error: Error) => void }>();
  #sequence = 0;
  #onSetup!: (setup: Setup) => void;

  private constructor(path: string, args: string[], env: NodeJS.ProcessEnv | undefined, inherited: number[]) {
    this.process = spawn(path, args, {
      stdio: ["pipe", "pipe", "pipe", "pipe", ...inherited],
      env: env ?? process.env,
    });
    this.socket = this.process.stdio[3] as Duplex;
    running.add(this.process);
    this.process.once("close", () => running.delete(this.process));
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.setup = new Promise((resolve, reject) => {
      this.#onSetup = resolve;
      this.process.once("close", () => reject(new Error(`no Setup: ${this.stderr}`)));
    });
    this.setup.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.process.once("close", (status, signal) => {
        for (const call of this.#calls.values()) call.reject(new Error(`executor ended: ${signal ?? status}`));
        resolve({ status, signal });
      });
    });
    this.socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.socket.on("error", () => {});
  }

  /** Starts an executor that lives no longer than this process and waits for its Setup. */
  static async start(
    args = ["filedescs=3,3", `parent=${process.pid}`],
    env?: NodeJS.ProcessEnv,
  ): Promise<RawController> {
    const controller = RawController.spawn(args, env);
    await controller.setup;
    return controller;
  }

  /** Starts one without waiting for anything; `inherited` descriptors become 4, 5, … in it. */
  static spawn(
    args: string[],
    env?: NodeJS.ProcessEnv,
    inherited: number[] = [],
    path: string = executorPath,
  ): RawController {
    return new RawController(path, args, env, inherited);
  }

  address(name: string): number {
    const address = this.symbols.get(name);
    if (address === undefined) throw new Error(`no bootstrap symbol ${name}`);
    return address;
  }

  /** Calls the wrapper of that name, or at that address. */
  call(wrapper: string | number, args: SpsWriter = sps()): Promise<SpsReader> {
    const tag = typeof wrapper === "string" ? this.address(wrapper) : wrapper;
    const sequence = this.#sequence++;
    return new Promise((resolve, reject) => {
      this.#calls.set(sequence, { resolve: (payload) => resolve(new SpsReader(payload)), reject });
      this.socket.write(encodeFrame(OPCODE.call, sequence, tag, args.bytes.slice()));
    });
  }

  /** Closes the stream and waits for the end. */
  async close(): Promise<Ending> {
    this.socket.end();
    return this.ended;
  }

  #receive(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 32) {
      const size = Number(this.#pending.readBigUInt64LE(0));
      if (this.#pending.length < size) return;
      const frame = new SpsReader(this.#pending.subarray(8, 32));
      const payload = Uint8Array.from(this.#pending.subarray(32, size));
      this.#pending = this.#pending.subarray(size);
      this.#handle({ opcode: frame.u64(), sequence: frame.u64(), tag: frame.u64(), payload });
    }
  }

  #handle(frame: Frame): void {
    if (frame.opcode === OPCODE.setup) {
      const setup = readSetup(frame.payload);
      for (const [name, address] of setup.symbols) this.symbols.set(name, address);
      this.#onSetup(setup);
    } else if (frame.opcode === OPCODE.result) {
      this.#calls.get(frame.sequence)?.resolve(frame.payload);
      this.#calls.delete(frame.sequence);
    } else if (frame.opcode === OPCODE.hangup) {
      const reader = new SpsReader(frame.payload);
      this.hangup = reader.u8() === 1 ? reader.string() : "";
    } else if (frame.opcode === OPCODE.call) {
      const answer = this.onCall(frame.tag, frame.payload);
      if (answer) this.socket.write(encodeFrame(OPCODE.result, frame.sequence, 0, answer));
    }
  }
}

function readSetup(payload: Uint8Array): Setup {
  const reader = new SpsReader(payload);
  const list = <T>(read: () => T): T[] => Array.from({ length: reader.u64() }, read);
  const setup: Setup = {
    triple: reader.string(),
    pageSize: reader.u64(),
    map: list(() => [reader.string(), reader.bytes()]),
    symbols: list(() => [reader.string(), reader.u64()]),
  };
  if (reader.rest !== 0) throw new Error(`${reader.rest} bytes behind the Setup message`);
  return setup;
}
