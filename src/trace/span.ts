/** What a span is told to hold besides its times: counts, names, the text of an error. */
export type SpanArguments = Record<string, string | number | boolean>;

/** Something that took time on one thread. Plain data: it can be sent from a worker as it is. */
export interface Span {
  /** What was done. */
  readonly name: string;
  /** Nanoseconds of CLOCK_MONOTONIC (`monotonicNow`), as is `end`, which is absent while the span is open. */
  readonly start: number;
  /** When it ended; absent while it is open. */
  end?: number;
  /** What else there is to say. */
  args?: SpanArguments;
}

/** Spans of one thread, on their way to a `Tracer`: they nest, and stand in the order in which they began. */
export interface SpanBatch {
  /** What the thread is called; batches of one name become one thread of the trace. */
  readonly thread: string;
  /** In the order in which they began. */
  readonly spans: readonly Span[];
}
