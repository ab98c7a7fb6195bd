import { milliseconds as now } from "../host/clock.ts";

/** Wall time of the phases of a link, in the order in which they ran. */
export class LinkTimes {
  readonly phases: { name: string; milliseconds: number }[] = [];
  #current: { name: string; start: number } | undefined;

  /** Ends the current phase and starts the next. */
  begin(name: string): void {
    this.end();
    this.#current = { name, start: now() };
  }

  end(): void {
    if (this.#current === undefined) return;
    this.phases.push({ name: this.#current.name, milliseconds: now() - this.#current.start });
    this.#current = undefined;
  }
}
