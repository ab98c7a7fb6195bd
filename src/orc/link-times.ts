import { milliseconds as now } from "../host/clock.ts";
import type { Steps } from "../trace/steps.ts";

/** Wall time of one phase of a link. */
export interface PhaseTime {
  /** What was done: "parse and resolve", "copy", … */
  readonly name: string;
  /** How long it took. */
  milliseconds: number;
}

/** Wall time of the phases of a link, in the order in which they ran; of one that ran twice the sum. */
export class LinkTimes {
  /** Names, and wall times in ms. */
  readonly phases: PhaseTime[] = [];
  readonly #trace: Steps | undefined;
  #current: { name: string; start: number } | undefined;

  /** The phases become steps of `trace`. */
  constructor(trace?: Steps) {
    this.#trace = trace;
  }

  /** Ends the current phase and starts the next. */
  begin(name: string): void {
    const start = this.end();
    this.#trace?.begin(name);
    this.#current = { name, start };
  }

  /** Ends the current phase; gives the time. */
  end(): number {
    const time = now();
    if (this.#current === undefined) return time;
    const { name, start } = this.#current;
    const milliseconds = time - start;
    const before = this.phases.find((phase) => phase.name === name);
    if (before === undefined) this.phases.push({ name, milliseconds });
    else before.milliseconds += milliseconds;
    this.#current = undefined;
    return time;
  }
}
