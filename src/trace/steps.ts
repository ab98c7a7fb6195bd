import type { Span, SpanArguments } from "./span.ts";
import type { SpanRecorder } from "./span-recorder.ts";

/** Something that is done in steps, one after the other: a span that holds one for each step. */
export class Steps {
  readonly #lane: SpanRecorder;
  readonly #whole: Span;
  readonly #onStep: (step: string) => void;
  #step: Span | undefined;

  constructor(lane: SpanRecorder, name: string, onStep: (step: string) => void) {
    this.#lane = lane;
    this.#onStep = onStep;
    this.#whole = lane.begin(name);
  }

  /** Ends the current step and begins the next. */
  begin(step: string): void {
    this.#onStep(step);
    if (this.#step !== undefined) this.#lane.end(this.#step);
    this.#step = this.#lane.begin(step);
  }

  /** Ends the current step and the whole; `args` say what came of it. Nothing happens the second time. */
  end(args?: SpanArguments): void {
    this.#lane.end(this.#whole, args);
  }

  /** Ends it with the error that it failed with. */
  fail(error: unknown): void {
    this.end({ error: error instanceof Error ? error.message : String(error) });
  }
}
