/*
 * The area of a call channel, as executor/linked/calls.h has it (docs/calls.md has the picture):
 *
 *     0      control page: three lines of words, at 512 the path of the pipe that wakes the controller
 *     4096   80 lanes of 132 KiB: 64 are threads of the channel's, 16 are for imports that other threads call
 */

/** Bytes of the control page. */
export const CONTROL_SIZE = 4096;
/**
 * Bytes of a lane: a call and an import in it may have 64 KiB by value each. Pages are used as they are touched, one for a call of a few numbers. No
 * power of two: the first lines of all lanes would have the same place in a cache.
 */
export const LANE_SIZE = 132 * 1024;
/** Strings and arrays lie below this offset of a lane, so that an import's block fits behind them. */
export const SCRATCH_END = LANE_SIZE / 2;
/** How many calls one lane may run, each within an import of the one before: JavaScript's stack has room for them. */
export const CALLS_DEEP = 128;
/** Lanes that are threads of the channel's. */
export const CALL_LANES = 64;
/** All lanes. */
export const LANES = CALL_LANES + 16;
/** Bytes of a lane's header, in front of its room. */
export const LANE_HEADER = 64;
/** Where the control page has the pipe's path. */
export const PATH_OFFSET = 512;
/** Where the spill begins, behind the lanes. */
export const SPILL_OFFSET = CONTROL_SIZE + LANES * LANE_SIZE;
/** Address space for what does not fit a lane; its pages are used as they are touched. */
export const SPILL_SIZE = 32 * 2 ** 20;
/** Bytes of all of it. */
export const AREA_SIZE = SPILL_OFFSET + SPILL_SIZE;

/** Indexes of 32-bit words in the control page. */
export const Control = {
  doorbell: 0,
  looking: 1,
  awakened: 2,
  events: 16,
  wanted: 32,
  closing: 33,
  threads: 34,
} as const;
/** Words of `Control.events`. */
export const EVENT_WORDS = 3;

/** Indexes of 32-bit words in a lane's header. */
export const LaneWord = { state: 0, sleeps: 1, flags: 2, at: 3, end: 4, size: 5 } as const;
/** Indexes of doubles in a lane's header. */
export const LaneDouble = { shim: 3, target: 4, id: 5 } as const;

/** What a lane's state says: `call`, `result` and `stop` are the controller's orders. */
export const LaneState = { idle: 0, call: 1, import: 2, served: 3, result: 4, done: 5, stop: 6, failed: 7 } as const;

/** Of a call that the controller waits for without its event loop. */
export const FLAG_SYNC = 1;

/** What the controller is doing: in its event loop, looking at the area, or asleep on the doorbell. */
export const Looking = { away: 0, now: 1, sleeps: 2 } as const;

/** Memory that both sides see. */
export interface CallArea {
  /** The first byte is at `offset` of this. */
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
  /** Where the code that runs calls has it, and where this process has it. */
  readonly address: number;
  readonly localAddress: number;
}

/** A multiple of 16, as blocks are aligned. */
export function roundUp(offset: number): number {
  return (offset + 15) & -16;
}
