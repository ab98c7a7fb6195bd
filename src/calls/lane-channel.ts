import { ExecutorError } from "../errors.ts";
import { milliseconds } from "../host/clock.ts";
import { waitForWord } from "../host/futex.ts";
import type { WakePipe } from "../host/wake-pipe.ts";
import type { BlockLayout } from "./block-layout.ts";
import {
  CALL_LANES,
  type CallArea,
  Control,
  EVENT_WORDS,
  FLAG_SYNC,
  LANE_HEADER,
  LANE_SIZE,
  LANES,
  LaneState,
  LaneWord,
  Looking,
  roundUp,
  SCRATCH_END,
} from "./call-area.ts";
import { CallChannel, type CallOptions, type ChannelOptions, timeoutError } from "./call-channel.ts";
import { CallScratch, copyBack } from "./call-scratch.ts";
import { EventPoll } from "./event-poll.ts";
import { isPromise, letFail, promiseInSyncCall } from "./import-table.ts";
import { type CallFrame, Lane, roomError, whyFailed } from "./lane.ts";
import { LaneWords } from "./lane-words.ts";
import { type QueuedCall, settleByAbort } from "./queued-call.ts";
import { SpinPatience } from "./spin-patience.ts";
import { StallWatch, stallError } from "./stall-watch.ts";
import { stopLanes } from "./stop-lanes.ts";

/** Between two looks whether the executor is alive, in ms. */
const SLICE = 20;
/** `size` of an import whose block did not fit the lane. */
const TOO_LARGE = 0xffff_ffff;

/** What a channel over common memory is made of. */
export interface LaneChannelOptions extends ChannelOptions {
  readonly area: CallArea;
  readonly pipe: WakePipe;
  /** Joins the threads, which are about to end, and gives the area back; or, when code still `runs` there, leaves both. */
  readonly release: (runs: boolean) => Promise<void>;
}

/** A channel whose two sides see the same memory: threads of the executor's are lanes, which the controller gives calls and answers. */
export class LaneChannel extends CallChannel {
  /** Those whose lanes are threads of this process: code that one of them calls may have the address of another's import. */
  static readonly #here = new Set<LaneChannel>();

  readonly #at: LaneWords;
  readonly #pipe: WakePipe;
  readonly #release: (runs: boolean) => Promise<void>;
  readonly #lanes = Array.from({ length: LANES }, (_, index) => new Lane(index));
  /** Lanes without a call, the last used at the end: calls that follow each other run on the same thread. */
  readonly #idle: Lane[] = [];
  readonly #queue: QueuedCall[] = [];
  readonly #scratch: CallScratch;
  readonly #poll: EventPoll;
  /** Lanes whose calls block this thread, the innermost last, and those whose imports it runs at this moment, if they have threads still. */
  readonly #blocking: Lane[] = [];
  readonly #serving: (Lane | undefined)[] = [];
  /** The doorbell when events were looked for the last time. */
  #heard = 0;
  #started = 0;
  #dead = 0;
  #outstanding = 0;
  readonly #patience = new SpinPatience();
  readonly #stall: StallWatch;
  #closed: Promise<void> | undefined;

  constructor(options: LaneChannelOptions) {
    super(options);
    this.#at = new LaneWords(options.area);
    this.#pipe = options.pipe;
    this.#release = options.release;
    this.#scratch = new CallScratch(this.pointers, this.#at.spill);
    this.#stall = new StallWatch({
      queue: this.#queue,
      threads: CALL_LANES,
      allWait: () => this.#waitsForPromises(),
      hold: (held) => this.#pipe.hold(held),
    });
    this.#poll = new EventPoll(this.#at, () => this.#takeEvents());
    if (options.area.address === options.area.localAddress) LaneChannel.#here.add(this);
  }

  /** What the pipe is to call. */
  wake(): void {
    this.#poll.wake();
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
      const queued: QueuedCall = { shim, target, layout, values, resolve, reject, started: false };
      if (signal !== undefined) {
        settleByAbort(queued, signal, () => {
          if (queued.started) this.kill("a call was aborted");
          else this.#queue.splice(this.#queue.indexOf(queued), 1);
          this.#stall.look();
        });
      }
      const lane = this.#take();
      if (lane !== undefined) this.#start(lane, queued);
      else {
        this.#queue.push(queued);
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
    this.#poll.look();
    const nested = this.#serving.length > 0 ? this.#serving[this.#serving.length - 1] : undefined;
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds() + timeout;
    const lane = nested ?? this.#take() ?? this.#waitForLane(deadline, timeout);
    try {
      const frame = this.#begin(lane, shim, target, layout, values, true);
      try {
        this.#wait(lane, deadline, timeout);
      } catch (error) {
        this.#end(lane, frame);
        this.#revive(lane);
        throw error;
      }
      return this.#finish(lane, frame);
    } finally {
      if (nested === undefined) this.#giveBack(lane);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  protected rejectAll(error: Error): void {
    LaneChannel.#here.delete(this);
    this.#poll.stop();
    this.#stall.stop();
    this.#pipe.hold(false);
    for (const lane of this.#lanes) lane.asyncFrame?.reject(error);
    for (const call of this.#queue.splice(0)) call.reject(error);
  }

  async #close(): Promise<void> {
    const dead = this.failure !== undefined;
    this.fail(new ExecutorError("the call channel has been closed"));
    const runs = dead || !(await stopLanes(this.#at, this.#lanes, this.#started));
    this.#pipe.close();
    await this.#release(runs);
  }

  /** A lane that is free, or one more; undefined when there are as many as may be. */
  #take(): Lane | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#started === CALL_LANES) return idle;
    const lane = this.#lanes[this.#started++];
    Atomics.store(this.#at.words, Control.wanted, this.#started);
    this.#at.wake(Control.wanted);
    return lane;
  }

  #giveBack(lane: Lane): void {
    if (lane.dead !== undefined || this.failure !== undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) this.#idle.push(lane);
    else this.#start(lane, next);
  }

  #start(lane: Lane, call: QueuedCall): void {
    try {
      const frame = this.#begin(lane, call.shim, call.target, call.layout, call.values, false);
      frame.resolve = call.resolve;
      frame.reject = call.reject;
      call.started = true;
    } catch (error) {
      call.reject(error);
      this.#giveBack(lane);
      return;
    }
    if (this.#outstanding++ === 0) this.#pipe.hold(true);
    this.#poll.look();
  }

  #begin(
    lane: Lane,
    shim: number,
    target: number,
    layout: BlockLayout,
    values: readonly unknown[],
    sync: boolean,
  ): CallFrame {
    const { blockSize } = layout;
    lane.checkRoom(blockSize);
    const frame = lane.push(layout, sync);
    const scratch = this.#scratch;
    try {
      scratch.begin(this.#at.bytes(lane), this.#at.address(lane), frame.at + blockSize, SCRATCH_END);
      layout.encodeArguments(values, this.#at.view, lane.start + frame.at, scratch);
    } catch (error) {
      this.#at.spill.give(scratch.ranges);
      lane.pop();
      throw error;
    }
    frame.copies = scratch.copies;
    frame.ranges = scratch.ranges;
    lane.top = roundUp(scratch.at);
    this.#at.orderCall(lane, shim, target, sync ? FLAG_SYNC : 0, frame.at, lane.top);
    return frame;
  }

  /** The result of a call that is done, or the exception of one of its imports. */
  #finish(lane: Lane, frame: CallFrame): unknown {
    const { hasError, error, at, layout } = frame;
    try {
      if (frame.copies.length > 0) copyBack(frame.copies, this.#at.bytes(lane), this.#at.spill);
      if (hasError) throw error;
      return layout.decodeResult(this.#at.view, lane.start + at, this.#scratch);
    } finally {
      this.#end(lane, frame);
    }
  }

  #end(lane: Lane, frame: CallFrame): void {
    if (frame.ranges.length > 0) this.#at.spill.give(frame.ranges);
    lane.pop();
  }

  /** Blocks until the innermost call of `lane` is done; serves what comes meanwhile. */
  #wait(lane: Lane, deadline: number, timeout: number | undefined): void {
    const { words } = this.#at;
    const word = lane.word + LaneWord.state;
    this.#blocking.push(lane);
    try {
      for (let spin = this.#patience.begin(); ; ) {
        const state = Atomics.load(words, word);
        if (state === LaneState.done) {
          if (spin > 0) this.#patience.succeeded();
          return;
        }
        if (state === LaneState.import) {
          if (spin > 0) this.#patience.succeeded();
          this.#serve(lane);
          spin = this.#patience.begin();
        } else if (state === LaneState.failed) throw this.#laneError(lane);
        else if (Atomics.load(words, Control.doorbell) !== this.#heard || this.#blocking.length > 1) this.#takeEvents();
        if (this.failure !== undefined) throw this.failure;
        if (--spin > 0) continue;
        spin = this.#patience.more();
        if (spin > 0) continue;
        this.#sleep(lane, deadline);
        if (milliseconds() >= deadline) {
          const error = timeoutError(timeout!);
          this.kill(error.message);
          throw error;
        }
      }
    } finally {
      this.#blocking.pop();
    }
  }

  /** Sleeps until something happens, a slice at most; then it looks whether the executor is there. */
  #sleep(lane: Lane, deadline: number): void {
    const at = this.#at;
    // What came before this wait began has rung its bell by then.
    if (this.#takeEvents()) return;
    this.#lookAround();
    Atomics.store(at.words, Control.looking, Looking.sleeps);
    const bell = Atomics.load(at.words, Control.doorbell);
    // Whoever has changed its state before this look has been seen; whoever does later sees that somebody sleeps.
    const isQuiet = this.#runs(lane) && !at.hasEvents;
    const before = milliseconds();
    const limit = Math.min(SLICE, deadline - before);
    if (isQuiet && !this.#blocking.some((each) => at.state(each) === LaneState.import)) {
      if (limit > 0) waitForWord(at.wordAddress(Control.doorbell), bell, limit);
      if (milliseconds() - before >= SLICE / 2) this.checkAlive();
    }
    Atomics.store(at.words, Control.looking, Looking.now);
  }

  #runs(lane: Lane): boolean {
    const state = this.#at.state(lane);
    return state === LaneState.call || state === LaneState.result;
  }

  /** Looks after what other channels have to say, whose events this thread cannot hear while it waits for this one. */
  #lookAround(): void {
    if (!LaneChannel.#here.has(this)) return;
    for (const other of LaneChannel.#here) if (other !== this) other.#takeEvents();
  }

  #waitForLane(deadline: number, timeout: number | undefined): Lane {
    for (;;) {
      this.#takeEvents();
      const lane = this.#idle.pop();
      if (lane !== undefined) return lane;
      if (this.failure !== undefined) throw this.failure;
      this.#lookAround();
      if (this.#waitsForPromises()) {
        throw stallError("a synchronous call", CALL_LANES, "cannot settle meanwhile");
      }
      if (milliseconds() >= deadline) throw timeoutError(timeout!);
      const bell = Atomics.load(this.#at.words, Control.doorbell);
      Atomics.store(this.#at.words, Control.looking, Looking.sleeps);
      if (!this.#at.hasEvents) waitForWord(this.#at.wordAddress(Control.doorbell), bell, 1);
      Atomics.store(this.#at.words, Control.looking, Looking.now);
      this.checkAlive();
    }
  }

  /** Whether all lanes wait for what only the event loop can bring. */
  #waitsForPromises(): boolean {
    for (let i = 0; i < CALL_LANES; i++) {
      const lane = this.#lanes[i]!;
      if (lane.dead === undefined && this.#at.state(lane) !== LaneState.served) return false;
    }
    return true;
  }

  /** Looks after all lanes that have something to say. True if there was any. */
  #takeEvents(): boolean {
    // Before the events: what comes meanwhile rings again.
    this.#heard = Atomics.load(this.#at.words, Control.doorbell);
    let found = false;
    for (let i = 0; i < EVENT_WORDS; i++) {
      // One at a time: an import may call, and that call wait for what the next lane has to say.
      for (let lane = this.#at.takeEvent(i); lane >= 0; lane = this.#at.takeEvent(i)) {
        found = true;
        this.#lookAfter(this.#lanes[lane]!);
      }
    }
    // A call that waits further out has no event: its waiter is this very thread.
    for (let i = 0; i < this.#blocking.length - 1; i++) {
      const lane = this.#blocking[i]!;
      if (this.#at.state(lane) === LaneState.import) this.#serve(lane);
    }
    if (found) this.#stall.look();
    return found;
  }

  #lookAfter(lane: Lane): void {
    const state = this.#at.state(lane);
    if (state === LaneState.import) this.#serve(lane);
    else if (state === LaneState.failed) this.#laneError(lane);
    else {
      const { frame } = lane;
      // A bit may be late: what it told of has been seen.
      if (state === LaneState.done && frame !== undefined && !frame.sync) this.#settle(lane, frame);
    }
  }

  #settle(lane: Lane, frame: CallFrame): void {
    const { resolve, reject } = frame;
    try {
      resolve(this.#finish(lane, frame));
    } catch (error) {
      reject(error);
    }
    this.#isOver();
    this.#giveBack(lane);
  }

  /** A call that was not waited for is over. */
  #isOver(): void {
    if (--this.#outstanding === 0) this.#pipe.hold(false);
  }

  /** The thread of a lane is not there: all its calls fail. Those that this thread waits for do so when it comes back to them. */
  #laneError(lane: Lane): Error {
    if (lane.dead !== undefined) return lane.dead;
    const what = whyFailed(this.#at.word(lane, LaneWord.size));
    const error = new ExecutorError(what);
    lane.dead = error;
    lane.lives++;
    this.#serving.forEach((each, i) => {
      if (each === lane) this.#serving[i] = undefined;
    });
    const frame = lane.asyncFrame;
    if (frame !== undefined) {
      frame.reject(error);
      this.#isOver();
    }
    if (lane.index < CALL_LANES && ++this.#dead === CALL_LANES) {
      this.fail(new ExecutorError(`no thread for calls is left of ${CALL_LANES}: ${what}`));
    }
    this.#revive(lane);
    return error;
  }

  /** A lane for other threads' imports is free again when no call is left of the thread that it has lost. */
  #revive(lane: Lane): void {
    if (lane.dead === undefined || lane.index < CALL_LANES || lane.depth > 0) return;
    lane.dead = undefined;
    lane.top = LANE_HEADER;
    this.#at.order(lane, LaneState.idle);
  }

  /** Runs the import that a lane waits for. */
  #serve(lane: Lane): void {
    const at = this.#at.word(lane, LaneWord.at);
    const size = this.#at.word(lane, LaneWord.size);
    const { frame, top, lives } = lane;
    this.#at.markServed(lane);
    lane.top = roundUp(at + (size === TOO_LARGE ? 0 : size));
    this.#serving.push(lane);
    try {
      const { layout, handler } = this.imports.get(this.#at.importId(lane));
      if (size === TOO_LARGE) throw roomError("an import takes", layout.blockSize, LANE_SIZE - at);
      const value = handler(...layout.decodeArguments(this.#at.view, lane.start + at, this.pointers));
      // Closed by the handler: the native caller has its answer. Or there is no native caller any more.
      if (this.failure !== undefined || lane.lives !== lives) return;
      if (!isPromise(value)) {
        this.#answer(lane, layout, value, at, frame);
      } else if (frame?.sync) {
        letFail(value);
        throw promiseInSyncCall();
      } else {
        // By way of a Promise: what another `then` calls, and how often, is its own affair.
        void Promise.resolve(value).then(
          (later) => {
            try {
              if (this.failure === undefined && lane.lives === lives) this.#answer(lane, layout, later, at, frame);
            } catch (error) {
              this.#refuse(lane, at, size, top, frame, error);
            }
            this.#stall.look();
          },
          (error) => {
            if (lane.lives === lives) this.#refuse(lane, at, size, top, frame, error);
            else if (frame === undefined) this.reportStray(error);
            this.#stall.look();
          },
        );
      }
    } catch (error) {
      if (lane.lives === lives) this.#refuse(lane, at, size, top, frame, error);
      else if (frame === undefined) this.reportStray(error);
    } finally {
      this.#serving.pop();
    }
  }

  #answer(lane: Lane, layout: BlockLayout, value: unknown, at: number, frame: CallFrame | undefined): void {
    const scratch = this.#scratch;
    const end = frame === undefined ? lane.top : SCRATCH_END;
    scratch.begin(this.#at.bytes(lane), this.#at.address(lane), lane.top, end);
    try {
      layout.encodeResult(value, this.#at.view, lane.start + at, scratch);
      if (frame === undefined && scratch.ranges.length > 0) {
        throw new RangeError(
          "an import cannot answer a string to a thread that no call runs on: nobody would end its life",
        );
      }
    } catch (error) {
      this.#at.spill.give(scratch.ranges);
      throw error;
    }
    if (frame !== undefined && scratch.ranges.length > 0) frame.ranges = [...frame.ranges, ...scratch.ranges];
    // A string stays until the call returns, and with it the block before it.
    const keeps = scratch.at > lane.top;
    lane.top = frame === undefined ? LANE_HEADER : keeps ? roundUp(scratch.at) : at;
    this.#at.orderResult(lane, lane.top);
  }

  /** The native caller gets 0. */
  #refuse(lane: Lane, at: number, size: number, top: number, frame: CallFrame | undefined, error: unknown): void {
    if (this.failure !== undefined) return;
    if (size !== TOO_LARGE) this.#at.bytes(lane).fill(0, at, at + size);
    lane.top = frame === undefined ? LANE_HEADER : Math.max(top, at);
    this.#at.orderResult(lane, frame === undefined ? LANE_HEADER : lane.top);
    if (frame === undefined) this.reportStray(error);
    else if (!frame.hasError) {
      frame.hasError = true;
      frame.error = error;
    }
  }
}
