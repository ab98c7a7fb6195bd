import { wakeWord } from "../host/futex.ts";
import {
  type CallArea,
  Control,
  EVENT_WORDS,
  LANE_SIZE,
  LaneDouble,
  LaneState,
  LaneWord,
  PATH_OFFSET,
  SPILL_OFFSET,
  SPILL_SIZE,
} from "./call-area.ts";
import type { Lane } from "./lane.ts";
import { Spill } from "./spill.ts";

/** The area of a channel as its controller reads and writes it. */
export class LaneWords {
  readonly words: Int32Array;
  readonly view: DataView;
  readonly spill: Spill;
  readonly #doubles: Float64Array;
  readonly #area: CallArea;
  readonly #bytes: Uint8Array[] = [];

  constructor(area: CallArea) {
    const { buffer, offset } = area;
    this.#area = area;
    this.words = new Int32Array(buffer as ArrayBuffer, offset, SPILL_OFFSET / 4);
    this.view = new DataView(buffer as ArrayBuffer, offset, SPILL_OFFSET);
    this.spill = new Spill(
      new Uint8Array(buffer as ArrayBuffer, offset + SPILL_OFFSET, SPILL_SIZE),
      area.address + SPILL_OFFSET,
    );
    this.#doubles = new Float64Array(buffer as ArrayBuffer, offset, SPILL_OFFSET / 8);
  }

  /** Says where the executor opens the pipe by which it wakes this side. */
  setPath(path: string): void {
    new Uint8Array(this.view.buffer, this.view.byteOffset + PATH_OFFSET).set(new TextEncoder().encode(`${path}\0`));
  }

  state(lane: Lane): number {
    return Atomics.load(this.words, lane.word + LaneWord.state);
  }

  /** A word of a lane's header, unsigned. */
  word(lane: Lane, field: number): number {
    return this.words[lane.word + field]! >>> 0;
  }

  importId(lane: Lane): number {
    return this.#doubles[lane.double + LaneDouble.id]!;
  }

  bytes(lane: Lane): Uint8Array {
    this.#bytes[lane.index] ??= new Uint8Array(this.view.buffer, this.view.byteOffset + lane.start, LANE_SIZE);
    return this.#bytes[lane.index]!;
  }

  /** Where the executor has a lane. */
  address(lane: Lane): number {
    return this.#area.address + lane.start;
  }

  /** Orders a lane to call; the block is at `at`, and its room is used up to `end`. */
  orderCall(lane: Lane, shim: number, target: number, flags: number, at: number, end: number): void {
    const { words } = this;
    const { word, double } = lane;
    words[word + LaneWord.flags] = flags;
    words[word + LaneWord.at] = at;
    words[word + LaneWord.end] = end;
    this.#doubles[double + LaneDouble.shim] = shim;
    this.#doubles[double + LaneDouble.target] = target;
    this.order(lane, LaneState.call);
  }

  /** Gives a lane its import's result; room up to `end` stays in use. */
  orderResult(lane: Lane, end: number): void {
    this.words[lane.word + LaneWord.end] = end;
    this.order(lane, LaneState.result);
  }

  order(lane: Lane, state: number): void {
    const { words } = this;
    Atomics.store(words, lane.word + LaneWord.state, state);
    if (Atomics.load(words, lane.word + LaneWord.sleeps) !== 0) this.wake(lane.word + LaneWord.state);
  }

  /** The import is being looked after: it will not be found a second time. */
  markServed(lane: Lane): void {
    Atomics.store(this.words, lane.word + LaneWord.state, LaneState.served);
  }

  /** Where this process has a word: what futexes are known by. */
  wordAddress(word: number): number {
    return this.#area.localAddress + 4 * word;
  }

  wake(word: number): void {
    wakeWord(this.wordAddress(word));
  }

  get hasEvents(): boolean {
    const { words } = this;
    for (let i = 0; i < EVENT_WORDS; i++) if (Atomics.load(words, Control.events + i) !== 0) return true;
    return false;
  }

  /** The number of one of the lanes from 32 · i on that have something to say, which has been noted by that; -1: none has. */
  takeEvent(i: number): number {
    const { words } = this;
    const bits = Atomics.load(words, Control.events + i);
    if (bits === 0) return -1;
    const bit = bits & -bits;
    Atomics.and(words, Control.events + i, ~bit);
    return 32 * i + 31 - Math.clz32(bit);
  }
}
