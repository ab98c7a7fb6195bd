import { koffi } from "../src/host/koffi.ts";
import { type Libc, libc } from "../src/host/libc.ts";
import { linearMemory } from "../src/host/linear-memory.ts";
import { isSecondStart } from "../src/orc/relaunch.ts";
import type { RunRequest } from "../src/orc/run-request.ts";
import { monotonicNow } from "../src/trace/monotonic-clock.ts";
import { addStartOfNode, processStart } from "../src/trace/process-start.ts";
import { traceText } from "../src/trace/trace-text.ts";
import { Tracer } from "../src/trace/tracer.ts";
import { writeError } from "./terminal.ts";
import { TraceFile } from "./trace-file.ts";

/** <poll.h> on Linux. */
const POLLOUT = 4;

/** When our first line ran, when the command line had been loaded and when it was understood: what `process.hrtime()` gave. */
export type StartMarks = [seconds: number, nanoseconds: number][];

/**
 * Begins the trace of this run and sees to it that the file holds one however the run ends: from here on, from the moment that
 * a program starts in this process, and when this process exits. Errors: code "file", before anything else is done.
 */
export function startTrace(path: string, marks: StartMarks = []): Pick<RunRequest, "trace" | "onLeave"> {
  const file = new TraceFile(path);
  const before = file.read();
  const earlier = isSecondStart() && before !== undefined ? before : undefined;
  const start = processStart();
  const trace = new Tracer({ origin: earlier?.otherData.origin ?? start });
  const [firstLine, loaded, understood] = marks.map(([seconds, nanoseconds]) => seconds * 1e9 + nanoseconds);
  // In a second start the process is the one that began long ago.
  const begin = earlier === undefined ? start : Math.max(start, endOf(earlier.traceEvents) + earlier.otherData.origin);
  addStartOfNode(trace, begin, firstLine ?? monotonicNow());
  if (firstLine !== undefined && loaded !== undefined) {
    trace.addSpan("load slablink", firstLine, loaded);
    trace.addSpan("command line", loaded, understood ?? loaded);
    trace.addSpan("begin trace", understood ?? loaded, monotonicNow());
  }
  const write = (isLast: boolean): void =>
    file.write(traceText(trace, { isUnfinished: !isLast }, earlier?.traceEvents), isLast);
  write(false);
  process.on("exit", () => {
    try {
      write(true);
    } catch (error) {
      writeError(`slablink: warning: ${(error as Error).message}\n`);
    }
  });
  trace.awake("run");
  // Whoever needs it first would pay for it.
  trace.measure("load koffi", koffi);
  trace.measure("linear memory", linearMemory);
  watchSleep(trace);
  return { trace, onLeave: () => write(false) };
}

/** The stretches in which this thread was at work do not hold those in which it slept for an executor (host/polled-channel.ts). */
function watchSleep(trace: Tracer): void {
  const { poll } = libc;
  const sleep = (descriptors: Uint8Array, count: number, milliseconds: number): number => {
    trace.asleep();
    const found = poll(descriptors, count, milliseconds);
    // struct pollfd, events: what is sent in pieces goes on; what has been received says so itself.
    if (((descriptors[4] ?? 0) & POLLOUT) !== 0) trace.awake("send");
    return found;
  };
  const value: Libc["poll"] = Object.assign(sleep, { async: poll.async });
  Object.defineProperty(libc, "poll", { value });
}

/** The latest moment of earlier events, in ns of their axis. */
function endOf(events: readonly { readonly ts?: number; readonly dur?: number }[]): number {
  return Math.round(1000 * events.reduce((latest, { ts = 0, dur = 0 }) => Math.max(latest, ts + dur), 0));
}
