import { milliseconds } from "../host/clock.ts";
import { yieldProcessor } from "../host/futex.ts";

/** How long a waiting thread looks before it sleeps, in ms: two threads that wake each other take nearly as long. */
const LIMIT = 0.15;
/** Looks between two looks at the clock. */
const ROUND = 256;
/** A round that takes so long means that other threads want the processors: the one that is waited for may be among them. */
const BUSY = 0.03;
/** So often it may have looked in vain before it sleeps soon. */
const MISSES_MAX = 4;
/** But each time after so many waits it looks as long as ever: calls may have become short. */
const PROBE = 16;

/** Decides how long this thread looks at a word that another processor will change: as long as that has paid. */
export class SpinPatience {
  #misses = 0;
  #waits = 0;
  #until = 0;
  #last = 0;

  /** A wait begins: how often to look before `more` is asked. */
  begin(): number {
    this.#until = 0;
    return ROUND;
  }

  /** How often to look again; 0: sleep. */
  more(): number {
    if (this.#until === 0) {
      const isPatient = this.#misses < MISSES_MAX || ++this.#waits % PROBE === 0;
      this.#last = milliseconds();
      this.#until = this.#last + (isPatient ? LIMIT : 0);
      if (isPatient) return ROUND;
    } else if (this.#until > 0) {
      yieldProcessor();
      const now = milliseconds();
      const isAlone = now - this.#last < BUSY;
      this.#last = now;
      if (isAlone && now < this.#until) return ROUND;
      if (this.#misses < MISSES_MAX) this.#misses++;
    }
    this.#until = -1;
    return 0;
  }

  /** What was waited for came while it looked. */
  succeeded(): void {
    this.#misses = 0;
  }
}
