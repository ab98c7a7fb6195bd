import { monotonicNow } from "./monotonic-clock.ts";
import type { Span, SpanArguments, SpanBatch } from "./span.ts";

/**
 * Records what one thread does, as spans that nest. A worker thread makes one of its own and sends what `take` gives to the
 * thread that has the `Tracer`, in batches or at its end:
 *
 *     const recorder = new SpanRecorder("worker 1");
 *     const span = recorder.begin("fix up", { relocations });
 *     …
 *     recorder.end(span);
 *     parentPort.postMessage(recorder.take());   // there: tracer.add(message)
 */
export class SpanRecorder {
  /** What the thread is called in the trace. */
  readonly thread: string;
  #spans: Span[] = [];
  readonly #open: Span[] = [];

  constructor(thread: string) {
    this.thread = thread;
  }

  /** Whether a span is open. */
  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** The innermost span that is open. */
  get current(): Span | undefined {
    return this.#open.at(-1);
  }

  /** Begins a span, inside of the one that is open; `start` in ns if it began earlier. */
  begin(name: string, args?: SpanArguments, start = monotonicNow()): Span {
    const span: Span = { name, start };
    if (args !== undefined) span.args = { ...args };
    this.#spans.push(span);
    this.#open.push(span);
    return span;
  }

  /** Ends a span, and what is still open inside of it; nothing happens when it has ended. `args` are added to its own. */
  end(span: Span, args?: SpanArguments): void {
    const at = this.#open.lastIndexOf(span);
    if (at < 0) return;
    const now = monotonicNow();
    for (const each of this.#open.splice(at)) each.end = now;
    if (args !== undefined) span.args = { ...span.args, ...args };
  }

  /** Adds a span that has ended; it has to lie within those that were open then. */
  add(name: string, start: number, end: number, args?: SpanArguments): void {
    this.#spans.push(args === undefined ? { name, start, end } : { name, start, end, args });
  }

  /** The spans that have ended since the last time; those that are open stay for the next. */
  take(): SpanBatch {
    const spans = this.#spans.filter(({ end }) => end !== undefined);
    this.#spans = this.#spans.filter(({ end }) => end === undefined);
    return { thread: this.thread, spans };
  }

  /** All spans so far, the open ones without an end. */
  get spans(): readonly Span[] {
    return this.#spans;
  }
}
