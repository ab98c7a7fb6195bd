import { milliseconds } from "../host/clock.ts";
import { Control, Looking } from "./call-area.ts";
import type { LaneWords } from "./lane-words.ts";

/** How long the event loop goes round before it sleeps, in ms: as long as waking it by the pipe takes. */
const PATIENCE = 0.06;
/** So often it may have gone round in vain before it sleeps at once. */
const MISSES_MAX = 4;

/**
 * Looks at the area from the event loop. While it does, the executor need not wake this process: a byte through the pipe costs it a system
 * call, and this side a round of the event loop. It looks on as long as that has paid.
 */
export class EventPoll {
  readonly #at: LaneWords;
  readonly #take: () => boolean;
  #looks = false;
  #stopped = false;
  #since = 0;
  #misses = 0;

  /** `take` looks after what has happened, and says whether anything has. */
  constructor(at: LaneWords, take: () => boolean) {
    this.#at = at;
    this.#take = take;
  }

  /** Something is about to happen: from now on this side looks by itself. */
  look(): void {
    if (this.#looks || this.#stopped) return;
    this.#looks = true;
    this.#since = 0;
    Atomics.store(this.#at.words, Control.looking, Looking.now);
    setImmediate(() => this.#round());
  }

  /** A byte has come through the pipe. */
  wake(): void {
    if (this.#stopped) return;
    Atomics.store(this.#at.words, Control.awakened, 0);
    this.look();
    this.#take();
  }

  stop(): void {
    this.#stopped = true;
  }

  #round(): void {
    if (this.#stopped) return;
    const now = milliseconds();
    if (this.#since === 0) this.#since = now;
    if (this.#take()) {
      this.#misses = 0;
      this.#since = now;
    }
    if (this.#stopped) return;
    const isPatient = this.#misses < MISSES_MAX && now - this.#since < PATIENCE;
    if (isPatient || !this.#leave()) setImmediate(() => this.#round());
  }

  /** False if something has happened before everybody could know that nobody looks any more. */
  #leave(): boolean {
    const { words } = this.#at;
    Atomics.store(words, Control.looking, Looking.away);
    if (this.#at.hasEvents) {
      Atomics.store(words, Control.looking, Looking.now);
      return false;
    }
    this.#looks = false;
    if (this.#misses < MISSES_MAX) this.#misses++;
    return true;
  }
}
