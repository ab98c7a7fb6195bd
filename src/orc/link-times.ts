import { milliseconds as now } from "../host/clock.ts";
import type { Steps } from "../trace/steps.ts";

/** Wall time of the phases of a link, in the order in which they ran. */
export class LinkTimes {
  readonly phases: { name: string; milliseconds: number }[] = [];
  readonly #trace: Steps | undefined;
  #current: { name: string; start: number } | undefined;

  /** The phases become steps of `trace`. */
  constructor(trace?: Steps) {
    this.#trace = trace;
  }

  /** Ends the current phase and starts the next. */
  begin(name: string): void {
    this.end();
    this.#trace?.begin(name);
    this.#current = { name, start: now() };
  }

  end(): void {
    if (this.#current === undefined) return;
    this.phases.push({ name: this.#current.name, milliseconds: now() - this.#current.start });
    this.#current = undefined;
  }
}
