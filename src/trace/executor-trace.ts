import { hex } from "../bytes/address.ts";
import { Slablink } from "../epc/dialect.ts";
import type { RequestObserver } from "../epc/request-observer.ts";
import { SpsReader } from "../epc/sps-reader.ts";
import { type ExecutorSpan, ExecutorSpanKind, ExecutorThreadRole, readBatch } from "./executor-batch.ts";
import type { Lanes } from "./lanes.ts";
import { monotonicNow } from "./monotonic-clock.ts";
import type { Span } from "./span.ts";
import type { SpanRecorder } from "./span-recorder.ts";
import { shortName } from "./wrapper-name.ts";

interface Request {
  readonly lane: SpanRecorder;
  readonly span: Span;
}

/** One executor of a trace: the requests to it, and what it recorded itself. */
export class ExecutorTrace implements RequestObserver {
  /** Process id; 0 until it is known. */
  process = 0;
  /** @internal Every request so far by its sequence number: flow arrows lead from them. */
  readonly requests = new Map<number, Request>();
  readonly #lanes: Lanes;
  readonly #handlers: Lanes;
  readonly #onMessage: (what: string) => void;
  readonly #spans = new Map<string, ExecutorSpan>();
  readonly #names = new Map<number, string>();
  #end: { readonly time: number; readonly reason: string } | undefined;

  /** The lines for requests and for calls from linked code; `onMessage` is told of every frame: this thread is at work. */
  constructor(lanes: Lanes, handlers: Lanes, onMessage: (what: string) => void) {
    this.#lanes = lanes;
    this.#handlers = handlers;
    this.#onMessage = onMessage;
  }

  started(pid: number): void {
    this.process = pid;
  }

  connected(symbols: ReadonlyMap<string, number>): void {
    this.#onMessage("Setup");
    for (const [name, address] of symbols) this.#names.set(address, name);
  }

  sent(sequence: number, tag: number, bytes: number): void {
    const name = this.#nameOf(tag);
    if (name === Slablink.traceTake) return;
    this.#onMessage(name);
    const lane = this.#lanes.free();
    this.requests.set(sequence, { lane, span: lane.begin(shortName(name), { "bytes out": bytes, request: sequence }) });
  }

  answered(sequence: number, bytes: number): void {
    const request = this.requests.get(sequence);
    if (request === undefined) return;
    request.lane.end(request.span, { "bytes in": bytes });
    this.#onMessage(`after ${request.span.name}`);
  }

  called(tag: number, payload: Uint8Array): boolean {
    if (this.#names.get(tag) !== Slablink.traceBatches) return false;
    this.batch(payload);
    return true;
  }

  handling(tag: number, bytes: number): (bytes: number) => void {
    const name = `handle call to ${hex(tag)}`;
    this.#onMessage(name);
    const lane = this.#handlers.free();
    const span = lane.begin(name, { "bytes in": bytes });
    return (out) => lane.end(span, { "bytes out": out });
  }

  batch(payload: Uint8Array): void {
    const { process, spans } = readBatch(new SpsReader(payload, "the executor's trace"));
    this.process = process;
    // What was still open when it was sent may come a second time, with its end.
    for (const span of spans) this.#spans.set(`${span.thread} ${span.kind} ${span.name} ${span.start}`, span);
  }

  ended(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = { time: monotonicNow(), reason };
    for (const { lane, span } of this.requests.values()) lane.end(span, { unanswered: reason });
  }

  /** @internal What the executor recorded, with words for people; what was going on at its end ends there. */
  get spans(): readonly (Span & { readonly source: ExecutorSpan; readonly thread: string })[] {
    const tasks = new Map<number, string>();
    return [...this.#spans.values()].map((source) => {
      const { start, role, kind, address } = source;
      const args: NonNullable<Span["args"]> = {};
      if (kind === ExecutorSpanKind.request || kind === ExecutorSpanKind.received) {
        args.request = source.sequence;
        args.bytes = source.size;
      }
      if (source.name === "" && address !== 0) args.address = hex(address);
      if (source.end === undefined && this.#end !== undefined) args.unfinished = this.#end.reason;
      return {
        name: this.#spanName(source),
        start,
        end: source.end ?? this.#end?.time,
        args,
        source,
        thread: threadName(role, source.thread, tasks),
      };
    });
  }

  #spanName({ kind, name, address }: ExecutorSpan): string {
    const known = name === "" ? `code at ${hex(address)}` : shortName(name);
    if (kind === ExecutorSpanKind.received) return `receive ${known}`;
    return kind === ExecutorSpanKind.action ? `action ${known}` : known;
  }

  #nameOf(tag: number): string {
    return this.#names.get(tag) ?? `code at ${hex(tag)}`;
  }
}

function threadName(role: number, thread: number, tasks: Map<number, string>): string {
  if (role === ExecutorThreadRole.main) return "main";
  if (role === ExecutorThreadRole.reader) return "reader";
  const name = tasks.get(thread) ?? `task ${tasks.size + 1}`;
  tasks.set(thread, name);
  return name;
}
