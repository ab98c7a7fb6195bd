import type { Readable, Writable } from "node:stream";
import { ExecutorError } from "../errors.ts";
import type { ByteChannel, ChannelListener } from "../host/byte-channel.ts";
import type { ExecutorProcess, ProcessEnd } from "../host/process.ts";
import { signalName, signalNumber } from "../host/signal-names.ts";
import { type ProgramStreams, standardStreams } from "../host/standard-streams.ts";
import { Llvm, Slablink } from "./dialect.ts";
import { encodeHeader, type Frame, FrameDecoder, Opcode } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";
import { decodeSetup } from "./setup.ts";
import { SpsReader } from "./sps-reader.ts";
import { SpsWriter } from "./sps-writer.ts";

/** Bytes of standard input under way, which the supervisor has room for (executor/supervisor/supervisor.c). */
const WINDOW = 256 * 1024;
/** The most that is read of it at once. */
const CHUNK_SIZE = 64 * 1024;
/** How long an executor that is to be killed may take to say so, in ms. */
const KILL_LIMIT = 2_000;
/** So much of the beginning of a stream that is no executor's is shown, in bytes. */
const SHOWN_SIZE = 60;
/** Of a frame's header (frame.ts). */
const TAG_OFFSET = 24;

/** The two directions of a stream to a supervised executor, and what is known of them. */
export interface SupervisedOptions {
  readonly readable: Readable;
  readonly writable: Writable;
  /** The program's standard streams; this process's own by default. */
  readonly streams?: ProgramStreams;
  /** Says why a stream is over that the executor did not end. `heard`: an executor had answered. */
  explainLoss(heard: boolean): Promise<Error>;
  /** What there is beside the stream has ended too. */
  settled?(): Promise<void>;
}

/**
 * An executor that is nobody's child here: takes the supervisor's messages out of its stream, carries the program's standard
 * streams, and learns how it ended. What is left is a channel as to any executor.
 */
export class SupervisedExecutor implements ByteChannel, ExecutorProcess {
  readonly stream = this;
  readonly ended: Promise<ProcessEnd>;
  readonly #options: SupervisedOptions;
  readonly #streams: ProgramStreams;
  readonly #decoder = new FrameDecoder();
  #listener: ChannelListener | undefined;
  /** By address; empty until Setup has come, and when nobody supervises. */
  #tags = new Map<number, string>();
  #addresses: ReadonlyMap<string, number> = new Map();
  #isSetUp = false;
  /** The first bytes of the stream, until Setup has come. */
  #beginning: Uint8Array = new Uint8Array(0);
  readonly #writing: Record<number, Promise<void>> = {};
  readonly #refusing = new Set<number>();
  #inputUnderWay = 0;
  #inputWanted = true;
  #inputWakes: (() => void) | undefined;
  #reading = false;
  /** Its end has been told, or the stream has ended without. */
  #isEnding = false;
  #isOver = false;
  #resolve!: (end: ProcessEnd) => void;
  #reject!: (error: Error) => void;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#streams = options.streams ?? standardStreams;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ended.catch(() => {});
  }

  listen(listener: ChannelListener): void {
    const { readable, writable } = this.#options;
    this.#listener = listener;
    readable.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    for (const event of ["end", "close", "error"]) readable.on(event, () => void this.#lose());
    // It was held up while there was nobody to read it.
    readable.resume();
    // Reading finds out.
    writable.on("error", () => {});
  }

  expect(): void {}

  write(head: Uint8Array, body: Uint8Array): void {
    const { writable } = this.#options;
    if (writable.destroyed || writable.writableEnded) return;
    if (body.length > 0) writable.cork();
    writable.write(head);
    if (body.length > 0) {
      writable.write(body);
      writable.uncork();
    }
    // What stands on standard input is for the program, from its start.
    if (!this.#reading && this.#startsProgram(head)) void this.#carryInput();
  }

  close(): void {
    this.#options.writable.end();
  }

  destroy(): void {
    this.#options.writable.destroy();
    this.#options.readable.destroy();
    this.#wakeInput();
  }

  isGone(): boolean {
    return this.#isOver;
  }

  kill(signal: NodeJS.Signals, group = false): void {
    if (this.#isOver) return;
    this.#send(Slablink.signal, new SpsWriter(5).u32(signalNumber(signal)).bool(group));
    // Nobody may be there to do it.
    if (signal === "SIGKILL") setTimeout(() => this.destroy(), KILL_LIMIT).unref();
  }

  #startsProgram(head: Uint8Array): boolean {
    const tag = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(TAG_OFFSET, true));
    return (
      tag !== 0 && (tag === this.#addresses.get(Slablink.programRun) || tag === this.#addresses.get(Llvm.runAsMain))
    );
  }

  #send(name: string, payload: SpsWriter): void {
    const tag = this.#addresses.get(name);
    if (tag === undefined) return;
    const body = payload.bytes;
    this.write(encodeHeader(Opcode.callWrapper, 0, tag, body.length), body);
  }

  #receive(chunk: Uint8Array): void {
    // What does not belong there may have come long before the frame that shows it.
    if (!this.#isSetUp && this.#beginning.length < SHOWN_SIZE) {
      this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, SHOWN_SIZE)]).subarray(0, SHOWN_SIZE);
    }
    try {
      this.#decoder.push(chunk, (frame) => this.#dispatch(frame));
    } catch (cause) {
      this.#fail(this.#isSetUp ? (cause as Error) : notAnExecutor(this.#beginning, cause));
    }
  }

  #dispatch(frame: Frame): void {
    if (!this.#isSetUp) this.#setUp(frame);
    const name = frame.opcode === Opcode.callWrapper && frame.sequence === 0 ? this.#tags.get(frame.tag) : undefined;
    if (name !== undefined) {
      this.#take(name, new SpsReader(frame.payload, `the executor's message ${name}`));
      return;
    }
    this.#listener?.receive(encodeHeader(frame.opcode, frame.sequence, frame.tag, frame.payload.length));
    if (frame.payload.length > 0) this.#listener?.receive(frame.payload);
  }

  #setUp({ opcode, payload }: Frame): void {
    this.#isSetUp = true;
    if (opcode !== Opcode.setup) return; // the connection says what is wrong with that
    this.#addresses = decodeSetup(payload).symbols;
    const messages = [Slablink.stdioOutput, Slablink.stdioTaken, Slablink.stdioClosed, Slablink.processEnd];
    if (!this.#addresses.has(Slablink.processEnd)) {
      throw new ProtocolError("the executor does not carry standard streams; start it as `slablink-executor --stdio`");
    }
    this.#tags = new Map(messages.map((name) => [this.#addresses.get(name)!, name]));
  }

  #take(name: string, reader: SpsReader): void {
    if (name === Slablink.processEnd) {
      void this.#finish(reader.u32("exit status"), reader.u32("signal"));
      return;
    }
    const fd = reader.u32("descriptor");
    if (name === Slablink.stdioOutput) {
      if (fd !== 1 && fd !== 2) throw new ProtocolError(`the executor sent output of descriptor ${fd}, not 1 or 2`);
      this.#carryOutput(fd, reader.blob("output"));
    } else if (name === Slablink.stdioTaken && fd === 0) {
      this.#inputUnderWay -= reader.u64("bytes taken");
      this.#wakeInput();
    } else if (name === Slablink.stdioClosed && fd === 0) {
      this.#inputWanted = false;
      this.#wakeInput();
    }
  }

  #carryOutput(fd: number, bytes: Uint8Array): void {
    const before = this.#writing[fd] ?? Promise.resolve();
    this.#writing[fd] = before.then(async () => {
      if (this.#refusing.has(fd)) return;
      try {
        await this.#streams.write(fd, bytes);
        this.#send(Slablink.stdioTaken, new SpsWriter(12).u32(fd).u64(bytes.length));
      } catch {
        // The program finds its own descriptor closed at the other end, as it would have here.
        this.#refusing.add(fd);
        this.#send(Slablink.stdioClosed, new SpsWriter(4).u32(fd));
      }
    });
  }

  async #carryInput(): Promise<void> {
    this.#reading = true;
    const isWanted = (): boolean => this.#inputWanted && !this.#isOver;
    while (isWanted()) {
      const bytes = await this.#streams.read(isWanted);
      this.#inputUnderWay += bytes.length;
      this.#send(Slablink.stdioInput, new SpsWriter(bytes.length + 8).blob(bytes));
      if (bytes.length === 0) return;
      while (this.#inputUnderWay > WINDOW - CHUNK_SIZE && isWanted()) {
        await new Promise<void>((resolve) => {
          this.#inputWakes = resolve;
        });
      }
    }
  }

  #wakeInput(): void {
    this.#inputWakes?.();
    this.#inputWakes = undefined;
  }

  /** The program has ended, and all of its output is here. */
  async #finish(status: number, signal: number): Promise<void> {
    this.#isEnding = true;
    await Promise.all(Object.values(this.#writing));
    this.close();
    await this.#options.settled?.();
    this.#over();
    this.#resolve(signal === 0 ? { status: status & 0xff } : { signal: signalName(signal) });
    this.#listener?.end(undefined);
  }

  async #lose(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#fail(await this.#options.explainLoss(this.#isSetUp));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#over();
    this.#reject(error);
    this.#listener?.end(error);
    this.destroy();
  }

  #over(): void {
    this.#isOver = true;
    this.#wakeInput();
  }
}

/** A shell's start-up file or the like has spoken first. */
function notAnExecutor(beginning: Uint8Array, cause: unknown): ExecutorError {
  const text = Buffer.from(beginning).toString("latin1");
  return new ExecutorError(`the stream does not begin as an executor's: ${JSON.stringify(text)}`, { cause });
}

/** The error for a stream that ended before the executor had said how it ended. */
export function lostConnection(detail: string): ExecutorError {
  return new ExecutorError(`the connection to the executor was lost ${detail}`);
}
