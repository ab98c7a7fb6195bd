import type { RequestObserver } from "../epc/request-observer.ts";
import { ExecutorTrace } from "./executor-trace.ts";
import { Lanes } from "./lanes.ts";
import { monotonicNow } from "./monotonic-clock.ts";
import type { Span, SpanArguments, SpanBatch } from "./span.ts";
import { SpanRecorder } from "./span-recorder.ts";
import { Steps } from "./steps.ts";
import { watchCalls } from "./watch.ts";

/** When the time axis begins, in ns as `monotonicNow`: now by default. */
export interface TracerOptions {
  /** When the trace begins, by `monotonicNow`; now by default. */
  readonly origin?: number;
}

/** What one thread did. */
export interface ThreadTrace {
  /** What the thread is called. */
  readonly name: string;
  /** In the order in which they began; open ones have no end. */
  readonly spans: readonly Span[];
}

/**
 * Records what happens where and when, for one file that Perfetto and chrome://tracing open (`traceText`). Given to
 * `runProgram`, `launchExecutor` or an `ExecutionSession` as their `trace`, it gets their link jobs, requests and so on by itself;
 * whoever has work of their own adds it with `measure` and `follow`. Nothing is recorded by anybody without one.
 *
 *     const trace = new Tracer();
 *     const epc = await launchExecutor({ path: executorPath(), trace });
 *     const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true, trace });
 *     …
 *     await session.endSession();                       // the executor hands over what it has recorded
 *     writeFileSync("trace.json", traceText(trace));
 */
export class Tracer {
  /** Where the time axis begins. */
  readonly origin: number;
  /** This thread's own line: stretches in which it was at work, and what it did then. */
  readonly main = new SpanRecorder("main");
  readonly #lanes = new Map<string, Lanes>();
  readonly #workers = new Map<string, Span[]>();
  readonly #executors: ExecutorTrace[] = [];
  #task: Span | undefined;

  constructor(options: TracerOptions = {}) {
    this.origin = options.origin ?? monotonicNow();
  }

  /** Runs `work` as a span of this thread, which is over when it returns. Its result or error is the caller's. */
  measure<T>(name: string, work: () => T, args?: SpanArguments): T {
    this.awake(name);
    const span = this.main.begin(name, args);
    try {
      return work();
    } finally {
      this.main.end(span);
    }
  }

  /** Runs `work` as a span on a line of `group`, from its call to the end of its promise; others may go on side by side. */
  async follow<T>(name: string, work: () => Promise<T>, group = "session"): Promise<T> {
    this.awake(name);
    const lane = this.lanes(group).free();
    const span = lane.begin(name);
    try {
      return await work();
    } catch (error) {
      lane.end(span, { error: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      lane.end(span);
    }
  }

  /** Something that is done in steps, between which other things happen; on a line of `group`. */
  steps(group: string, name: string): Steps {
    return new Steps(this.lanes(group).free(), name, (step) => this.awake(step));
  }

  /** @internal The lines of what goes on side by side under one name. */
  lanes(group: string): Lanes {
    let lanes = this.#lanes.get(group);
    if (lanes === undefined) {
      lanes = new Lanes(group);
      this.#lanes.set(group, lanes);
    }
    return lanes;
  }

  /**
   * This thread is at work: it has been since its event loop last waited, or is from now on, until the loop waits again. Such a
   * stretch is a span named after what began it. What happens between two of them is others' work.
   */
  awake(cause: string): void {
    if (this.#task !== undefined || this.main.isOpen) return;
    const task = this.main.begin(cause);
    this.#task = task;
    // Immediates are called when all events that were there have been served, before the loop waits for others.
    setImmediate(() => {
      this.main.end(task);
      if (this.#task === task) this.#task = undefined;
    });
  }

  /** This thread is about to wait by itself, not in its event loop: the stretch ends here, unless that is part of a span in it. */
  asleep(): void {
    const task = this.#task;
    if (task === undefined || this.main.current !== task) return;
    this.main.end(task);
    this.#task = undefined;
  }

  /** Takes in what a worker thread has recorded (`SpanRecorder.take`); it becomes a thread of its own. */
  add(batch: SpanBatch): void {
    const spans = this.#workers.get(batch.thread);
    if (spans === undefined) this.#workers.set(batch.thread, [...batch.spans]);
    else spans.push(...batch.spans);
  }

  /** Observes a connection to an executor (`LaunchOptions.trace`, `RemoteOptions.observer`). */
  observeExecutor(): RequestObserver {
    const lines = [this.lanes("requests"), this.lanes("calls from linked code")] as const;
    const executor = new ExecutorTrace(...lines, (what) => this.awake(what));
    this.#executors.push(executor);
    return executor;
  }

  /** Makes spans of what an executor in this process does natively; nothing happens for one in another. */
  watch(target: object): void {
    if (!("kind" in target) || target.kind !== "remote") watchCalls(this, target);
  }

  /** Adds a span of this thread that has ended; times in ns as `monotonicNow`. */
  addSpan(name: string, start: number, end: number, args?: SpanArguments): void {
    this.main.add(name, start, end, args);
  }

  /** This thread, the workers, then the lines of what goes on side by side. */
  get threads(): readonly ThreadTrace[] {
    const lanes = [...this.#lanes.values()].flatMap(({ all }) => all);
    return [
      { name: this.main.thread, spans: this.main.spans },
      ...[...this.#workers].map(([name, spans]) => ({ name, spans })),
      ...lanes.map(({ thread, spans }) => ({ name: thread, spans })),
    ];
  }

  /** The executors, in the order in which they were started. */
  get executors(): readonly ExecutorTrace[] {
    return this.#executors;
  }
}
