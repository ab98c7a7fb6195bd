import { milliseconds as now } from "../host/clock.ts";
import type { Steps } from "../trace/steps.ts";

/** Wall time of the phases of a link, in the order in which they ran; of one that ran twice the sum. */
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
    const { name, start } = this.#current;
    const milliseconds = now() - start;
    const before = this.phases.find((phase) => phase.name === name);
    if (before === undefined) this.phases.push({ name, milliseconds });
    else before.milliseconds += milliseconds;
    this.#current = undefined;
  }
}
