import { ExecutorError } from "../errors.ts";
import { milliseconds } from "../host/clock.ts";
import type { BlockLayout } from "./block-layout.ts";
import { roundUp } from "./call-area.ts";
import { CallChannel, type CallOptions, type ChannelOptions, timeoutError } from "./call-channel.ts";
import { CallScratch, copyBack } from "./call-scratch.ts";
import { isPromise, letFail, promiseInSyncCall } from "./import-table.ts";
import { type CallFrame, Lane } from "./lane.ts";
import { type QueuedCall, settleByAbort } from "./queued-call.ts";
import { StallWatch } from "./stall-watch.ts";

/** Bytes of a place in the executor's memory for one call's block, and what belongs to it; a message with one fits a socket's buffer. */
export const PLACE_SIZE = 64 * 1024;
/** How many there are: as many as the executor's pool has threads. */
export const PLACES = 64;
/** How many calls may block, each inside an import of the one before: while they do, no other call's end is seen. */
const SYNC_PLACES = 32;
/** How many calls run side by side. */
const ASYNC_PLACES = PLACES - SYNC_PLACES;
/** u64 shim, target, block; u32 place, u32 unused. */
const CALL_HEAD = 32;
/** u64 id; u32 place plus 1 or 0, u32 unused. */
const IMPORT_HEAD = 16;

/** How messages reach the executor. */
export interface CallMessages {
  /** A call of the wrapper function; its result is the block afterwards. */
  send(message: Uint8Array): Promise<Uint8Array>;
  /** The same without the event loop; `onQuiet` is called now and then, and may throw. Errors: ExecutorError when it is gone. */
  sendNow(message: Uint8Array, onQuiet: () => void): Uint8Array;
  /** So many calls that are outstanding do not keep Node alive. */
  release(calls: number): void;
  /** Binds the calls of imports. */
  onImport(handler: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>): void;
}

/** What a channel by messages is made of. */
export interface MessageChannelOptions extends ChannelOptions {
  readonly messages: CallMessages;
  /** `PLACES` places in the executor's memory, which it may write. */
  readonly places: number;
  readonly release: () => Promise<void>;
}

/** A channel to an executor whose memory this process does not see: blocks travel, to places whose addresses are known. */
export class MessageChannel extends CallChannel {
  readonly #messages: CallMessages;
  readonly #places: number;
  readonly #release: () => Promise<void>;
  readonly #lanes = Array.from({ length: PLACES }, (_, index) => new Lane(index));
  readonly #idle = this.#lanes.slice(SYNC_PLACES);
  readonly #idleForSync = this.#lanes.slice(0, SYNC_PLACES);
  readonly #queue: QueuedCall[] = [];
  readonly #scratch: CallScratch;
  readonly #stall: StallWatch;
  /** How many of the calls side by side wait for Promises of imports. */
  #waiting = 0;
  /** Where messages are put together. */
  readonly #buffer = new Uint8Array(CALL_HEAD + PLACE_SIZE);

  constructor(options: MessageChannelOptions) {
    super(options);
    this.#messages = options.messages;
    this.#places = options.places;
    this.#release = options.release;
    this.#scratch = new CallScratch(this.pointers);
    this.#stall = new StallWatch({
      queue: this.#queue,
      threads: ASYNC_PLACES,
      allWait: () => this.#waiting === ASYNC_PLACES,
      hold: (held) => this.#messages.release(held ? 0 : ASYNC_PLACES),
    });
    this.#messages.onImport((message) => this.#serve(message));
  }

  call(
    shim: number,
    target: number,
    layout: BlockLayout,
    values: readonly unknown[],
    { signal }: CallOptions = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal !== undefined) this.checkKillable("signal");
      if (this.failure !== undefined) throw this.failure;
      if (signal?.aborted) throw signal.reason;
      const call: QueuedCall = { shim, target, layout, values, resolve, reject, started: false };
      if (signal !== undefined) {
        settleByAbort(call, signal, () => {
          if (call.started) this.kill("a call was aborted");
          else this.#queue.splice(this.#queue.indexOf(call), 1);
          this.#stall.look();
        });
      }
      const lane = this.#idle.pop();
      if (lane !== undefined) void this.#start(lane, call);
      else {
        this.#queue.push(call);
        this.#stall.look();
      }
    });
  }

  callSync(
    shim: number,
    target: number,
    layout: BlockLayout,
    values: readonly unknown[],
    { timeout }: CallOptions = {},
  ): unknown {
    if (timeout !== undefined) this.checkKillable("timeout");
    if (this.failure !== undefined) throw this.failure;
    const lane = this.#idleForSync.pop();
    if (lane === undefined) {
      throw new RangeError(
        `synchronous calls inside each other, each in an import of the one before: more than ${SYNC_PLACES}`,
      );
    }
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds() + timeout;
    try {
      const frame = lane.push(layout, true);
      try {
        const message = this.#encode(lane, frame, shim, target, values);
        const answer = this.#messages.sendNow(message, () => {
          this.checkAlive();
          if (this.failure !== undefined) throw this.failure;
          if (milliseconds() < deadline) return;
          const error = timeoutError(timeout!);
          this.kill(error.message);
          throw error;
        });
        return this.#decode(frame, answer, message.length - CALL_HEAD);
      } finally {
        lane.pop();
      }
    } catch (error) {
      this.checkAlive();
      throw error instanceof ExecutorError ? (this.failure ?? error) : error;
    } finally {
      this.#idleForSync.push(lane);
    }
  }

  async close(): Promise<void> {
    const isFirst = this.failure === undefined;
    this.fail(new ExecutorError("the call channel has been closed"));
    if (isFirst) await this.#release();
  }

  protected rejectAll(error: Error): void {
    this.#stall.stop();
    for (const lane of this.#lanes) lane.asyncFrame?.reject(error);
    for (const call of this.#queue.splice(0)) call.reject(error);
  }

  #giveBack(lane: Lane): void {
    const next = this.failure === undefined ? this.#queue.shift() : undefined;
    if (next === undefined) this.#idle.push(lane);
    else void this.#start(lane, next);
  }

  async #start(lane: Lane, call: QueuedCall): Promise<void> {
    const frame = lane.push(call.layout, false);
    frame.resolve = call.resolve;
    frame.reject = call.reject;
    try {
      const message = this.#encode(lane, frame, call.shim, call.target, call.values);
      call.started = true;
      const answer = await this.#messages.send(message);
      call.resolve(this.#decode(frame, answer, message.length - CALL_HEAD));
    } catch (error) {
      // What the connection says is said better by the channel, which knows of a crash.
      if (error instanceof ExecutorError && !frame.hasError) this.#rejectLater(call, error);
      else call.reject(error);
    }
    lane.pop();
    this.#giveBack(lane);
  }

  #rejectLater(call: QueuedCall, error: ExecutorError): void {
    void Promise.race([this.executor.failed, new Promise((resolve) => setTimeout(resolve, 100, error))]).then((found) =>
      call.reject(this.failure ?? found),
    );
  }

  #encode(lane: Lane, frame: CallFrame, shim: number, target: number, values: readonly unknown[]): Uint8Array {
    const { blockSize } = frame.layout;
    if (blockSize > PLACE_SIZE) throw new RangeError(`the call passes ${blockSize} bytes by value, of ${PLACE_SIZE}`);
    const { buffer } = this.#buffer;
    const view = new DataView(buffer);
    const address = this.#places + PLACE_SIZE * lane.index;
    const scratch = this.#scratch;
    scratch.begin(new Uint8Array(buffer, CALL_HEAD), address, blockSize, PLACE_SIZE);
    frame.layout.encodeArguments(values, view, CALL_HEAD, scratch);
    frame.copies = scratch.copies;
    [shim, target, address].forEach((word, i) => void view.setBigUint64(8 * i, BigInt(word), true));
    view.setUint32(24, lane.index, true);
    return this.#buffer.slice(0, CALL_HEAD + roundUp(scratch.at));
  }

  #decode(frame: CallFrame, answer: Uint8Array, size: number): unknown {
    if (frame.hasError) throw frame.error;
    if (answer.length !== size) {
      throw new ExecutorError(`the executor answered a call with ${answer.length} bytes, expected ${size}`);
    }
    if (frame.copies.length > 0) copyBack(frame.copies, answer);
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    return frame.layout.decodeResult(view, 0, this.#scratch);
  }

  /** A call side by side with others waits for that. */
  async #whileWaiting<T>(later: Promise<T>): Promise<T> {
    this.#waiting++;
    this.#stall.look();
    try {
      return await later;
    } finally {
      this.#waiting--;
      this.#stall.look();
    }
  }

  /** Runs an import; an empty answer is 0 to its native caller. */
  #serve(message: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const place = view.getUint32(8, true);
    const frame = place > 0 ? this.#lanes[place - 1]?.frame : undefined;
    const refuse = (error: unknown): Uint8Array => {
      if (frame === undefined) this.reportStray(error);
      else if (!frame.hasError) {
        frame.hasError = true;
        frame.error = error;
      }
      return new Uint8Array(0);
    };
    try {
      if (this.failure !== undefined) return new Uint8Array(0);
      const { layout, handler } = this.imports.get(Number(view.getBigUint64(0, true)));
      const block = Uint8Array.from(message.subarray(IMPORT_HEAD));
      const answer = (value: unknown): Uint8Array => {
        this.#scratch.begin(block, 0, block.length, block.length);
        layout.encodeResult(value, new DataView(block.buffer), 0, this.#scratch);
        return block;
      };
      const value = handler(...layout.decodeArguments(new DataView(block.buffer), 0, this.pointers));
      if (!isPromise(value)) return answer(value);
      if (frame?.sync) {
        letFail(value);
        throw promiseInSyncCall();
      }
      const later = Promise.resolve(value).then(answer).catch(refuse);
      return frame === undefined ? later : this.#whileWaiting(later);
    } catch (error) {
      return refuse(error);
    }
  }
}
