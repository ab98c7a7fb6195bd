import { milliseconds } from "../host/clock.ts";
import { CALL_LANES, Control, LaneState, LaneWord } from "./call-area.ts";
import type { Lane } from "./lane.ts";
import type { LaneWords } from "./lane-words.ts";

/** How long running calls may take to come to their ends, in ms. */
const PATIENCE = 1000;

/**
 * Has the channel's threads end; imports that are waited for, also by other threads, answer 0. `started` lanes have threads. False if code
 * still runs after a second.
 */
export async function stopLanes(at: LaneWords, lanes: readonly Lane[], started: number): Promise<boolean> {
  Atomics.store(at.words, Control.closing, 1);
  for (const end = milliseconds() + PATIENCE; ; ) {
    // Each time: the thread that starts lanes may have looked just before, and be about to sleep.
    at.wake(Control.wanted);
    for (const lane of lanes) if (lane.index < started || lane.index >= CALL_LANES) stop(at, lane);
    if (Atomics.load(at.words, Control.threads) === 0) return true;
    if (milliseconds() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function stop(at: LaneWords, lane: Lane): void {
  const state = at.state(lane);
  if (state === LaneState.import || state === LaneState.served) {
    const block = at.word(lane, LaneWord.at);
    at.bytes(lane).fill(0, block, block + at.word(lane, LaneWord.size));
    at.orderResult(lane, block);
  } else if (state === LaneState.done || (state === LaneState.idle && lane.index < CALL_LANES)) {
    at.order(lane, LaneState.stop); // a lane of other threads' is done with a call within an import, which that ends
  } else if (state === LaneState.failed && lane.index >= CALL_LANES) at.order(lane, LaneState.idle);
}
