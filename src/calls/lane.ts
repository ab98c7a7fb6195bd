import type { BlockLayout } from "./block-layout.ts";
import { CALLS_DEEP, CONTROL_SIZE, LANE_HEADER, LANE_SIZE } from "./call-area.ts";
import type { CopyBack } from "./call-scratch.ts";
import type { SpillRange } from "./spill.ts";

/** A call that runs on a lane. Kept and used again. */
export interface CallFrame {
  layout: BlockLayout;
  /** The block, and what was free before it: offsets in the lane. */
  at: number;
  topBefore: number;
  copies: readonly CopyBack[];
  /** What it has taken of the spill. */
  ranges: readonly SpillRange[];
  sync: boolean;
  /** The first exception of its imports. */
  error: unknown;
  hasError: boolean;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

const nothing = (): void => {};

/** Why a lane has no thread, by the number that it leaves: an errno, or 0 for one that had begun. */
export function whyFailed(number: number): string {
  return number === 0
    ? "the call ended its thread (pthread_exit)"
    : `the executor has no thread for a call: errno ${number}`;
}

/** The error for a block that does not fit behind those of the calls that it is within. */
export function roomError(who: string, size: number, left: number): RangeError {
  const room = LANE_SIZE - LANE_HEADER;
  return new RangeError(
    `${who} ${size} bytes by value, and ${left} are left of the ${room} for calls inside each other: pass pointers`,
  );
}

/** One thread of the executor's as the controller sees it: where its words are, and the calls on it, each inside an import of the one before. */
export class Lane {
  readonly index: number;
  /** Offset in the area, and indexes of its header's words and doubles. */
  readonly start: number;
  readonly word: number;
  readonly double: number;
  /** The first byte of its room that is free. */
  top = LANE_HEADER;
  depth = 0;
  /** Why it can run no calls: its thread has ended, or was never started. */
  dead: Error | undefined;
  /** How many threads it has lost: what a lane of other threads' is given for one of them is not for the next. */
  lives = 0;
  readonly #frames: CallFrame[] = [];

  constructor(index: number) {
    this.index = index;
    this.start = CONTROL_SIZE + index * LANE_SIZE;
    this.word = this.start >> 2;
    this.double = this.start >> 3;
  }

  /** The innermost call. */
  get frame(): CallFrame | undefined {
    return this.depth > 0 ? this.#frames[this.depth - 1] : undefined;
  }

  /** The outermost call if this thread does not wait for it, as it does for all others: they are within imports. */
  get asyncFrame(): CallFrame | undefined {
    return this.depth > 0 && !this.#frames[0]!.sync ? this.#frames[0] : undefined;
  }

  /** Errors: RangeError when the lane has no room for one more call, whose block has that size. */
  checkRoom(blockSize: number): void {
    if (this.depth >= CALLS_DEEP) {
      throw new RangeError(`calls inside each other, each in an import of the one before: more than ${CALLS_DEEP}`);
    }
    if (blockSize > LANE_SIZE - this.top) throw roomError("the call passes", blockSize, LANE_SIZE - this.top);
  }

  /** A call begins, whose block is where the lane is free. */
  push(layout: BlockLayout, sync: boolean): CallFrame {
    let frame = this.#frames[this.depth];
    if (frame === undefined) {
      frame = {
        layout,
        ...{ at: 0, topBefore: 0, copies: [], ranges: [], sync, error: undefined, hasError: false },
        ...{ resolve: nothing, reject: nothing },
      };
      this.#frames.push(frame);
    }
    this.depth++;
    frame.layout = layout;
    frame.sync = sync;
    frame.hasError = false;
    frame.at = this.top;
    frame.topBefore = this.top;
    return frame;
  }

  /** The innermost call is over. */
  pop(): void {
    const frame = this.#frames[--this.depth]!;
    this.top = frame.topBefore;
    frame.error = undefined;
    frame.resolve = nothing;
    frame.reject = nothing;
  }
}
