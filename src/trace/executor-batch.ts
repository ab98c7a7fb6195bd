import type { SpsReader } from "../epc/sps-reader.ts";

/** What a span of an executor is; the numbers of the wire (docs/protocol.md, "Traces"). */
export const ExecutorSpanKind = { part: 0, request: 1, action: 2, received: 3 } as const;

/** What a thread of an executor is for; the numbers of the wire. */
export const ExecutorThreadRole = { main: 0, reader: 1, task: 2 } as const;

/** A span as the executor has recorded it. */
export interface ExecutorSpan {
  readonly kind: number;
  readonly role: number;
  /** The kernel's number of the thread. */
  readonly thread: number;
  /** Of a part or a wrapper function; empty for linked code, which is known by `address` alone. */
  readonly name: string;
  readonly address: number;
  /** Of the request that was served or received. */
  readonly sequence: number;
  /** Bytes of the request's argument. */
  readonly size: number;
  /** Nanoseconds, as `monotonicNow`; `end` is absent while it goes on. */
  readonly start: number;
  readonly end: number | undefined;
}

/** Bytes of a span with an empty name. */
const SPAN_SIZE = 1 + 1 + 4 + 8 + 8 + 8 + 8 + 12 + 12;

/** (u32 process, Sequence<span>). Errors: ProtocolError. */
export function readBatch(reader: SpsReader): { readonly process: number; readonly spans: readonly ExecutorSpan[] } {
  return { process: reader.u32("process"), spans: reader.sequence("spans", SPAN_SIZE, readSpan) };
}

function readSpan(reader: SpsReader): ExecutorSpan {
  const kind = reader.u8("kind");
  const role = reader.u8("role");
  const thread = reader.u32("thread");
  const name = reader.string("name");
  const address = reader.u64("address");
  const sequence = reader.u64("sequence");
  const size = reader.u64("size");
  const start = readTime(reader);
  const end = readTime(reader);
  return { kind, role, thread, name, address, sequence, size, start, end: end === 0 ? undefined : end };
}

function readTime(reader: SpsReader): number {
  return reader.u64("seconds") * 1e9 + reader.u32("nanoseconds");
}
