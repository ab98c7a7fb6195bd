import { Duplex } from "node:stream";
import { type Frame, FrameDecoder, Opcode } from "../../src/epc/frame.ts";
import { encodeFrame } from "../executor/protocol.ts";
import type { Random } from "../support/mutate.ts";
import { FieldWriter } from "./field-writer.ts";
import { mutatePayload, type Payload, pick } from "./mutate-payload.ts";

export const DISPATCH_TAG = 0x7777;
const HANDLE = 0x7000;

/** One frame in so many is changed. */
const MUTATED = 4;

/** What `name` would answer to `argument`. */
function answerOf(name: string, argument: Uint8Array): FieldWriter {
  const out = new FieldWriter();
  const word = (at: number): number =>
    Number(new DataView(argument.buffer, argument.byteOffset).getBigUint64(at, true));
  if (name.endsWith("resolve_wrapper")) {
    const count = word(8);
    out.u8(1).u64(count);
    for (let i = 0; i < count; i++)
      out
        .u8(1)
        .u64(0x50_0000 + i)
        .u8(0x10)
        .u8(0);
    return out;
  }
  if (name.endsWith("image_load")) return out.u8(1).u64(HANDLE).u64(2).u64(0x1234).u64(0x5678);
  if (name.endsWith("slab_reserve")) return out.u8(1).u64(word(0) || 0x5000_0000);
  if (name.endsWith("initialize_wrapper") && !name.endsWith("deinitialize_wrapper")) return out.u8(1).u64(word(17));
  if (/(reserve|open|program_run)(_wrapper)?$/.test(name)) return out.u8(1).u64(HANDLE);
  if (name.endsWith("run_as_main_wrapper")) return out.u64(3);
  if (/run_as_(void|int)/.test(name)) return out.u32(0);
  if (name.endsWith("mem_read_pointers_wrapper")) return out.u64(word(0)).zeros(8 * word(0));
  if (name.endsWith("trace_take")) return batch();
  return out.u8(0);
}

/** Two spans of a trace. */
function batch(): FieldWriter {
  const out = new FieldWriter().u32(1).u64(2);
  for (let i = 0; i < 2; i++) {
    out.u8(i).u8(0).u32(1).sequence("a part").u64(0x1000).u64(i).u64(8);
    out.u64(1).u32(5).u64(2).u32(7);
  }
  return out;
}

/** An executor whose every fourth frame is not what it should be. The other end of `stream` is a controller's. */
export class LyingExecutor {
  readonly stream: Duplex;
  mutated = 0;
  readonly #random: Random;
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #names: Map<number, string>;
  readonly #decoder = new FrameDecoder();
  #activity = 0;
  #last: Payload = { bytes: new Uint8Array(16), fields: [] };
  #calls = 0;
  #over = false;

  constructor(random: Random, symbols: ReadonlyMap<string, number>) {
    this.#random = random;
    this.#symbols = symbols;
    this.#names = new Map([...symbols].map(([name, address]) => [address, name]));
    this.stream = new Duplex({
      read(): void {},
      write: (chunk: Uint8Array, _encoding, done): void => {
        this.#activity++;
        this.#decoder.push(chunk, (frame) => this.#take(frame));
        done();
      },
      final: (done): void => {
        this.#end();
        done();
      },
    });
    const setup = new FieldWriter().sequence("x86_64-pc-linux-gnu").u64(4096).u64(0).u64(symbols.size);
    for (const [name, address] of symbols) setup.sequence(name).u64(address);
    this.#send(Opcode.setup, 0, 0, setup);
  }

  /** Ends the stream once the controller has nothing more to say. */
  async endWhenIdle(): Promise<void> {
    for (let idle = 0, seen = -1; idle < 4 && !this.#over; idle++) {
      if (this.#activity !== seen) idle = 0;
      seen = this.#activity;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#end();
  }

  #end(): void {
    if (!this.#over) this.stream.push(null);
    this.#over = true;
  }

  #take(frame: Frame): void {
    if (frame.opcode !== Opcode.callWrapper) return;
    const name = this.#names.get(frame.tag) ?? "";
    // Some calls of its own in between.
    const kind = this.#random.below(12);
    if (kind === 0)
      this.#send(Opcode.callWrapper, this.#calls++, DISPATCH_TAG, new FieldWriter().u64(7).sequence("argument"));
    if (kind === 1) this.#send(Opcode.callWrapper, 0, this.#symbols.get("__slablink_trace_batches") ?? 1, batch());
    if (kind === 2 && this.#random.below(10) === 0)
      this.#send(Opcode.hangup, 0, 0, new FieldWriter().u8(1).sequence("enough"));
    this.#send(Opcode.result, frame.sequence, 0, answerOf(name, frame.payload));
  }

  #send(opcode: number, sequence: number, tag: number, payload: Payload): void {
    if (this.#over) return;
    let bytes = encodeFrame(opcode, sequence, tag, payload.bytes).slice();
    if (this.#random.below(MUTATED) === 0) {
      bytes = this.#mutate(bytes, opcode, sequence, tag, payload);
      this.mutated++;
    }
    this.#last = { bytes: payload.bytes.slice(), fields: payload.fields };
    this.#push(bytes);
    if (this.#random.below(100) === 0) this.#push(bytes);
  }

  #mutate(
    bytes: Uint8Array<ArrayBuffer>,
    opcode: number,
    sequence: number,
    tag: number,
    payload: Payload,
  ): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    if (random.below(4) > 0) {
      const values = [...this.#symbols.values()].slice(0, 4).map(BigInt);
      return encodeFrame(opcode, sequence, tag, mutatePayload(payload, this.#last, values, random)).slice();
    }
    const fields = [0, 8, 16, 24].map((at) => ({ at, size: 8 }));
    return Uint8Array.from(mutatePayload({ bytes, fields }, this.#last, [1n, 2n, 3n, 33n], random));
  }

  /** In pieces of any size. */
  #push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.stream.destroyed; ) {
      const size = pick([1, 7, 31, 32, 33, 100_000], this.#random);
      this.stream.push(bytes.slice(at, at + size));
      at += size;
    }
  }
}
