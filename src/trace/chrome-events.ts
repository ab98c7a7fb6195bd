import { monotonicNow } from "./monotonic-clock.ts";
import type { Span } from "./span.ts";
import type { Tracer } from "./tracer.ts";

/** An event of the Trace Event Format ("Trace Event Format", Google, sections "JSON Object Format" and "Event Types"). */
export interface ChromeEvent {
  /** What it is called. */
  readonly name: string;
  /** X: complete, with `dur`; B: begun and never ended; M: metadata; s, f: start and end of a flow. */
  readonly ph: "X" | "B" | "M" | "s" | "f";
  /** The process. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** Its category. */
  readonly cat?: string;
  /** Microseconds since the beginning of the time axis. */
  readonly ts?: number;
  /** How long it took, in µs. */
  readonly dur?: number;
  /** What the ends of an arrow have in common. */
  readonly id?: number;
  /** Binds the end of an arrow to the slice around it. */
  readonly bp?: "e";
  /** What else there is to say. */
  readonly args?: Record<string, unknown>;
}

/** Lines that are no threads of the kernel's get numbers that no thread has (PID_MAX_LIMIT is 2^22). */
const FIRST_LINE = 2 ** 22 + 1;

/** What `chromeEvents` may be told; `end`: the program runs on in this process and may end it, so open spans get no end. */
export interface EventOptions {
  /** Open spans end with the trace, and say so. */
  readonly isUnfinished?: boolean;
}

/** Everything that was recorded, as events: metadata first, then each thread's spans in their order, then flows. */
export function chromeEvents(tracer: Tracer, options: EventOptions = {}): ChromeEvent[] {
  const events: ChromeEvent[] = [];
  const now = monotonicNow();
  const scale = (time: number): number => microseconds(time - tracer.origin);
  const addSpan = (pid: number, tid: number, cat: string, span: Span): void => {
    const { name, start, args } = span;
    const at = { name, cat, pid, tid, ts: scale(start) };
    if (span.end === undefined && options.isUnfinished) events.push({ ...at, ph: "B", args });
    else events.push({ ...at, ph: "X", dur: microseconds((span.end ?? now) - start), args });
  };

  addProcess(events, process.pid, "slablink", 0);
  const lineOf = new Map<Span, number>();
  let line = FIRST_LINE;
  for (const [index, { name, spans }] of tracer.threads.entries()) {
    const tid = index === 0 ? process.pid : line++;
    addThread(events, process.pid, tid, name, index);
    for (const span of inOrder(spans)) {
      lineOf.set(span, tid);
      addSpan(process.pid, tid, name.replace(/ \d+$/, ""), span);
    }
  }
  let flow = 0;
  for (const [index, executor] of tracer.executors.entries()) {
    const { process: pid, spans, requests } = executor;
    if (pid === 0) continue;
    addProcess(events, pid, "slablink-executor", index + 1);
    const threads = new Map(spans.map(({ source, thread }) => [source.thread, { name: thread, role: source.role }]));
    for (const [tid, { name, role }] of threads) addThread(events, pid, tid, name, role);
    // Recorded at their ends: those that hold others come behind them.
    for (const span of inOrder(spans.toReversed()))
      addSpan(pid, span.source.thread, categories[span.source.kind] ?? "executor", span);
    for (const { source, start } of spans) {
      const request = source.kind === 1 ? requests.get(source.sequence)?.span : undefined;
      if (request === undefined) continue;
      const id = ++flow;
      const common = { name: "request", cat: "flow", id };
      events.push({ ...common, ph: "s", pid: process.pid, tid: lineOf.get(request)!, ts: scale(request.start) });
      events.push({ ...common, ph: "f", bp: "e", pid, tid: source.thread, ts: scale(start) });
    }
  }
  return events;
}

const categories = ["executor", "request", "action", "receive"];

function addProcess(events: ChromeEvent[], pid: number, name: string, index: number): void {
  events.push({ name: "process_name", ph: "M", pid, tid: pid, args: { name } });
  events.push({ name: "process_sort_index", ph: "M", pid, tid: pid, args: { sort_index: index } });
}

function addThread(events: ChromeEvent[], pid: number, tid: number, name: string, index: number): void {
  events.push({ name: "thread_name", ph: "M", pid, tid, args: { name } });
  events.push({ name: "thread_sort_index", ph: "M", pid, tid, args: { sort_index: index } });
}

/** Readers nest spans in the order in which they come: by start, the longer one first; otherwise as recorded. */
function inOrder<T extends Span>(spans: readonly T[]): T[] {
  const end = (span: Span): number => span.end ?? Number.POSITIVE_INFINITY;
  return [...spans].sort((a, b) => a.start - b.start || (end(a) === end(b) ? 0 : end(b) - end(a)));
}

/**
 * Nanoseconds as microseconds with three decimals. Perfetto multiplies by 1000 and cuts off, which would put some numbers 1 ns too
 * early and then drop spans that seem to overlap: those get a fraction of a nanosecond more.
 */
function microseconds(nanoseconds: number): number {
  const value = nanoseconds / 1000;
  return Math.trunc(value * 1000) === nanoseconds ? value : (nanoseconds + 0.25) / 1000;
}
