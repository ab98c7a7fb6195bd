import type { Duplex } from "node:stream";
import { hex } from "../bytes/address.ts";
import { ExecutorError } from "../errors.ts";
import type { ByteChannel } from "../host/byte-channel.ts";
import { milliseconds } from "../host/clock.ts";
import type { ProtocolCounters } from "./executor-process-control.ts";
import { encodeHeader, type Frame, FrameDecoder, Opcode } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { RequestObserver } from "./request-observer.ts";
import { SpsReader } from "./sps-reader.ts";
import { StreamChannel } from "./stream-channel.ts";

/** Answers a call from the executor (JIT dispatch). */
export type DispatchHandler = (argument: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The executor ended the session and said why. */
export class HangupError extends ExecutorError {}

const EMPTY = new Uint8Array(0);
/** How long nothing comes before it is looked whether anything still can, in ms. */
const QUIET = 20;

interface PendingCall {
  resolve(payload: Uint8Array): void;
  reject(error: Error): void;
}

/**
 * The controller's end of a SimpleRemoteEPC session over a byte stream: numbers calls and matches their results, in
 * any order; answers calls from the executor by tag. Once the stream ends or the peer breaks the protocol, every
 * pending and every later call fails with the reason.
 */
export class EpcConnection {
  readonly counters: ProtocolCounters = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  /** The payload of the executor's Setup frame. */
  readonly setup: Promise<Uint8Array>;
  /** Resolves with the reason when the session is over: undefined after a plain end of the stream. */
  readonly closed: Promise<Error | undefined>;
  /** Resolves with the error that pending calls get, when the session is over. */
  readonly failed: Promise<Error>;
  /** Turns the end of the session into the error that pending calls get; may wait for the process. */
  explainEnd: (cause: Error | undefined) => Error | Promise<Error>;
  /** Is told of every request, for a trace. */
  observer: RequestObserver | undefined;

  readonly #channel: ByteChannel;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new Map<number, PendingCall>();
  readonly #handlers = new Map<number, DispatchHandler>();
  readonly #messages = new Map<number, (payload: Uint8Array) => void>();
  #released = 0;
  #nextSequence = 0;
  #resolveSetup: ((payload: Uint8Array) => void) | undefined;
  #rejectSetup: (error: Error) => void = () => {};
  #resolveClosed: (cause: Error | undefined) => void = () => {};
  #cause: Error | undefined;
  #ending = false;
  #isBroken = false;
  #failure: Error | undefined;
  /** Arrived and not dispatched: what handles one frame may block for the next ones (`callNow`). */
  readonly #frames: Frame[] = [];
  #resolveFailed: (error: Error) => void = () => {};

  constructor(stream: Duplex | ByteChannel) {
    this.#channel = "expect" in stream ? stream : new StreamChannel(stream);
    this.explainEnd = (cause) => cause ?? new ExecutorError("the executor closed the connection");
    this.setup = new Promise((resolve, reject) => {
      this.#resolveSetup = resolve;
      this.#rejectSetup = reject;
    });
    this.setup.catch(() => {});
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#channel.listen({ receive: (chunk) => this.#receive(chunk), end: (cause) => this.#end(cause) });
    this.#channel.expect(true);
  }

  /** Whether this side has ended the session because of what the executor sent. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether nothing comes any more. */
  get isEnded(): boolean {
    return this.#ending;
  }

  /** Number of calls whose results have not arrived. */
  get outstanding(): number {
    return this.#pending.size;
  }

  /** Calls the wrapper function at `tag`; resolves with the result's payload. */
  call(tag: number, argument: Uint8Array): Promise<Uint8Array> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.counters.requests++;
    const sequence = this.#nextSequence++;
    this.observer?.sent(sequence, tag, argument.length);
    return new Promise((resolve, reject) => {
      this.#pending.set(sequence, { resolve, reject });
      if (this.#ending) return;
      this.#send(Opcode.callWrapper, sequence, tag, argument);
      if (this.#pending.size === this.#released + 1) this.#channel.expect(true);
    });
  }

  /** Whether bytes can be received without the event loop. */
  get canBlock(): boolean {
    return this.#channel.receiveNow !== undefined;
  }

  /** Dispatches what has arrived, without the event loop; waits for something, `limit` ms at most. False when nothing has come. */
  receiveNow(limit: number): boolean {
    if (this.#frames.length > 0) {
      this.#dispatchAll();
      return true;
    }
    return this.#channel.receiveNow?.(limit) ?? false;
  }

  /**
   * As `call`, but blocks the event loop; only handlers that answer at once are served meanwhile. `onQuiet` is called every 20 ms or so, and
   * may throw. undefined when the session has ended.
   */
  callNow(tag: number, argument: Uint8Array, onQuiet: () => void): Uint8Array | undefined {
    if (this.#failure) throw this.#failure;
    this.counters.requests++;
    const sequence = this.#nextSequence++;
    this.observer?.sent(sequence, tag, argument.length);
    let result: Uint8Array | undefined;
    const resolve = (payload: Uint8Array): void => {
      result = payload;
    };
    this.#pending.set(sequence, { resolve, reject: () => {} });
    this.#send(Opcode.callWrapper, sequence, tag, argument);
    let last = milliseconds();
    while (result === undefined && !this.#ending) {
      const hasCome = this.receiveNow(QUIET);
      // An executor that always has something to say is looked after as well.
      if (result !== undefined || (hasCome && milliseconds() - last < QUIET)) continue;
      last = milliseconds();
      onQuiet();
    }
    return result;
  }

  /** So many awaited answers do not keep the process alive; more of them do. */
  releasePending(count: number): void {
    this.#released = count;
    if (!this.#ending) this.#channel.expect(this.#pending.size > count);
  }

  /** Whether the process stays alive while no answer is awaited; by default it does. */
  keepAlive(always: boolean): void {
    this.#channel.keepAlive?.(always);
  }

  /** Binds a tag address in linked code to a handler. Calls to unknown tags get an empty result. */
  handle(tag: number, handler: DispatchHandler): void {
    this.#handlers.set(tag, handler);
  }

  /** Binds a tag to what takes the executor's messages, which get no result. */
  onMessage(tag: number, take: (payload: Uint8Array) => void): void {
    this.#messages.set(tag, take);
  }

  /** Ends our side; what was written before still goes out. */
  close(): void {
    this.#channel.close();
  }

  #send(opcode: number, sequence: number, tag: number, payload: Uint8Array): void {
    this.counters.bytesSent += 32 + payload.length;
    this.#channel.write(encodeHeader(opcode, sequence, tag, payload.length), payload);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ending) return;
    this.counters.bytesReceived += chunk.length;
    let broken: Error | undefined;
    try {
      this.#decoder.push(chunk, (frame) => this.#frames.push(frame));
    } catch (cause) {
      broken = cause as Error;
    }
    this.#dispatchAll();
    if (broken !== undefined) this.#end(broken, true);
  }

  #dispatchAll(): void {
    try {
      for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) this.#dispatch(frame);
    } catch (cause) {
      this.#end(cause as Error, true);
    }
  }

  #dispatch(frame: Frame): void {
    if (this.#ending) return;
    if (frame.opcode === Opcode.hangup) {
      this.#end(hangupError(frame.payload));
      return;
    }
    if (this.#resolveSetup) {
      if (frame.opcode !== Opcode.setup) {
        throw new ProtocolError(`the executor's first frame has opcode ${hex(frame.opcode)}, not 0x0 (Setup)`);
      }
      this.#resolveSetup(frame.payload);
      this.#resolveSetup = undefined;
      this.#channel.expect(this.#pending.size > 0);
      return;
    }
    switch (frame.opcode) {
      case Opcode.result:
        this.#finish(frame);
        return;
      case Opcode.callWrapper:
        if (this.observer?.called(frame.tag, frame.payload) === true) return;
        if (this.#messages.has(frame.tag)) this.#messages.get(frame.tag)!(frame.payload);
        else this.#answer(frame);
        return;
      default:
        throw new ProtocolError("the executor sent a second Setup message");
    }
  }

  #finish(frame: Frame): void {
    const call = this.#pending.get(frame.sequence);
    if (!call) throw new ProtocolError(`the executor answered call ${frame.sequence}, which is not outstanding`);
    if (frame.tag !== 0) throw new ProtocolError(`a result has the tag ${hex(frame.tag)}, not 0x0`);
    this.#pending.delete(frame.sequence);
    if (this.#pending.size === this.#released) this.#channel.expect(false);
    this.observer?.answered(frame.sequence, frame.payload.length);
    call.resolve(frame.payload);
  }

  /** At once where the handler answers at once: a caller may block for what comes of it. */
  #answer(frame: Frame): void {
    const handler = this.#handlers.get(frame.tag);
    const answered = this.observer?.handling(frame.tag, frame.payload.length);
    const answer = (result: Uint8Array): void => {
      answered?.(result.length);
      this.#send(Opcode.result, frame.sequence, 0, result);
    };
    // Out-of-band errors have no form on LLVM 22's wire: an empty result is what its executors send, too.
    const fail = (): void => answer(EMPTY);
    let result: Uint8Array | Promise<Uint8Array> = EMPTY;
    try {
      if (handler) result = handler(frame.payload);
    } catch {
      result = EMPTY;
    }
    // What cannot be sent ends the session, as it does below: `#dispatchAll` catches it there.
    if (result instanceof Promise) void result.then(answer, fail).catch((cause: Error) => this.#end(cause, true));
    else answer(result);
  }

  #end(cause: Error | undefined, isBroken = false): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#isBroken = isBroken;
    const partial = this.#decoder.pending;
    this.#cause =
      cause ??
      (partial > 0
        ? new ProtocolError(`the executor's connection ended inside a frame, after ${hex(partial)} bytes`)
        : undefined);
    this.#resolveClosed(this.#cause);
    // Of an executor that has hung up, the end is still to be seen.
    this.#channel.expect(true);
    void this.#failAll();
  }

  async #failAll(): Promise<void> {
    let failure: Error;
    try {
      failure = await this.explainEnd(this.#cause);
    } catch (error) {
      failure = error as Error;
    }
    this.#failure = failure;
    this.#resolveFailed(failure);
    this.observer?.ended(failure.message);
    this.#rejectSetup(failure);
    for (const call of this.#pending.values()) call.reject(failure);
    this.#pending.clear();
    this.#channel.destroy();
  }
}

/** Hangup's payload is an SPS Error, or nothing. */
function hangupError(payload: Uint8Array): Error | undefined {
  if (payload.length === 0) return undefined;
  const message = new SpsReader(payload, "the executor's Hangup message").error("reason");
  return message === undefined ? undefined : new HangupError(message);
}
