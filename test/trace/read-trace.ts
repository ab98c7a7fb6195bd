import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** A span of a trace file, with its times in whole nanoseconds of the file's axis. */
export interface TraceSpan {
  readonly name: string;
  readonly cat: string;
  readonly pid: number;
  readonly tid: number;
  readonly thread: string;
  readonly start: number;
  /** Infinity where a process ended before it could be written. */
  readonly end: number;
  readonly args: Record<string, unknown>;
}

/** A trace file, checked and sorted out. */
export interface Trace {
  readonly spans: readonly TraceSpan[];
  readonly processes: ReadonlyMap<number, string>;
  /** Each request's span in the controller and the one in the executor that a flow arrow leads to. */
  readonly flows: readonly (readonly [TraceSpan, TraceSpan])[];
  /** Where the axis begins, in ns of CLOCK_MONOTONIC. */
  readonly origin: number;
  /** The spans with this name, in the order of their starts; `cat` is the line's name, which says "main" for this thread. */
  named(name: string, cat?: string): TraceSpan[];
  /** The only one with it. */
  one(name: string, cat?: string): TraceSpan;
}

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly args?: Record<string, unknown>;
}

/**
 * Reads a trace file and checks what holds for every one: it is the format's JSON object, every process and thread has a name,
 * spans of a thread nest, also for a reader that cuts times off to whole nanoseconds, and flows begin and end in spans.
 */
export function readTrace(path: string): Trace {
  return parseTrace(readFileSync(path, "utf8"));
}

/** The same, from text. */
export function parseTrace(text: string): Trace {
  const file = JSON.parse(text) as { traceEvents: Event[]; displayTimeUnit: string; otherData: { origin: number } };
  assert.equal(file.displayTimeUnit, "ms");
  const events = file.traceEvents;
  const processes = new Map<number, string>();
  const threads = new Map<string, string>();
  for (const { ph, name, pid, tid, args } of events) {
    assert.ok(["X", "B", "M", "s", "f"].includes(ph), `event ${name} has the phase ${ph}`);
    assert.ok(Number.isInteger(pid) && Number.isInteger(tid), `event ${name}`);
    if (name === "process_name") processes.set(pid, String(args?.name));
    if (name === "thread_name") threads.set(`${pid} ${tid}`, String(args?.name));
  }
  const spans = events
    .filter(({ ph }) => ph === "X" || ph === "B")
    .map(({ name, ph, cat = "", pid, tid, ts, dur, args = {} }): TraceSpan => {
      assert.ok(processes.has(pid), `process ${pid} of ${name} has no name`);
      const thread = threads.get(`${pid} ${tid}`);
      assert.ok(thread, `thread ${tid} of ${name} has no name`);
      const start = Math.trunc(ts! * 1000);
      const end = ph === "B" ? Number.POSITIVE_INFINITY : start + Math.trunc(dur! * 1000);
      assert.ok(start >= 0 && end >= start, `${name} is from ${start} to ${end}`);
      return { name, cat, pid, tid, thread, start, end, args };
    });
  checkNesting(spans);
  const named = (name: string, cat?: string): TraceSpan[] =>
    spans
      .filter((span) => span.name === name && (cat === undefined || span.cat === cat))
      .sort((a, b) => a.start - b.start);
  return {
    spans,
    processes,
    flows: flowsOf(events, spans),
    origin: file.otherData.origin,
    named,
    one: (name, cat) => {
      const [first, ...others] = named(name, cat);
      assert.ok(first && others.length === 0, `${name}: ${first ? others.length + 1 : 0} spans, expected 1`);
      return first;
    },
  };
}

/** In the file's order each span lies within the last one that has not ended, or begins after it. */
function checkNesting(spans: readonly TraceSpan[]): void {
  const open = new Map<string, TraceSpan[]>();
  for (const span of spans) {
    const key = `${span.pid} ${span.tid}`;
    const stack = open.get(key) ?? [];
    open.set(key, stack);
    while (stack.length > 0 && stack.at(-1)!.end <= span.start) stack.pop();
    const outer = stack.at(-1);
    if (outer !== undefined) assert.ok(isWithin(span, outer), `${show(span)} is not within ${show(outer)}`);
    stack.push(span);
  }
}

function flowsOf(events: readonly Event[], spans: readonly TraceSpan[]): [TraceSpan, TraceSpan][] {
  const ends = new Map(events.filter(({ ph }) => ph === "f").map((event) => [event.id, event]));
  const starts = events.filter(({ ph }) => ph === "s");
  assert.equal(starts.length, ends.size, "flows that begin and flows that end");
  const at = ({ pid, tid, ts }: Event, cat: string): TraceSpan => {
    const time = Math.trunc(ts! * 1000);
    const found = spans.find((span) => span.pid === pid && span.tid === tid && span.start === time && span.cat === cat);
    assert.ok(found, `no span of ${cat} begins at ${time} in ${pid} ${tid}`);
    return found;
  };
  return starts.map((start) => [at(start, "requests"), at(ends.get(start.id)!, "request")]);
}

/** Whether a span lies inside of another. */
export function isWithin(inner: TraceSpan, outer: TraceSpan): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

/** A span for a person. */
export function show({ name, thread, start, end }: TraceSpan): string {
  return `${name} [${start}, ${end}] of ${thread}`;
}
