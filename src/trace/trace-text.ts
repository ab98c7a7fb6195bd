import { type ChromeEvent, chromeEvents, type EventOptions } from "./chrome-events.ts";
import type { Tracer } from "./tracer.ts";

/** A trace file, read again. */
export interface EarlierTrace {
  readonly traceEvents: readonly ChromeEvent[];
  readonly otherData: { readonly origin: number };
}

/** How every file begins that `traceText` gives. */
export const TRACE_START = '{"traceEvents":[';

/**
 * The trace as the text of a file (Trace Event Format, "JSON Object Format"), one event a line; `earlier` are the events of the
 * same time axis that were recorded before this process began anew.
 */
export function traceText(tracer: Tracer, options: EventOptions = {}, earlier: readonly ChromeEvent[] = []): string {
  const events = [...earlier, ...chromeEvents(tracer, options)].map((event) => JSON.stringify(event));
  const otherData = { origin: tracer.origin, clock: "CLOCK_MONOTONIC, ns", node: process.version };
  return `${TRACE_START}\n${events.join(",\n")}\n],\n"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)}}\n`;
}
