import { SpanRecorder } from "./span-recorder.ts";

/**
 * Lines of a trace for what goes on side by side, such as requests: on each, spans nest. There are as many as were needed at
 * once; the first is named as the group, the others with a number behind.
 */
export class Lanes {
  readonly #name: string;
  readonly all: SpanRecorder[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** A line on which nothing is open; the caller begins a span on it at once. */
  free(): SpanRecorder {
    const found = this.all.find((lane) => !lane.isOpen);
    if (found !== undefined) return found;
    const lane = new SpanRecorder(this.all.length === 0 ? this.#name : `${this.#name} ${this.all.length + 1}`);
    this.all.push(lane);
    return lane;
  }
}
