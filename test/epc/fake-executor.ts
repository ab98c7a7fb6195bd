import { Duplex } from "node:stream";
import { encodeHeader, type Frame, FrameDecoder, Opcode } from "../../src/epc/frame.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";

/** The executor's side of a connection, in this process: a test writes frames and sees those that arrive. */
export class FakeExecutor {
  /** The controller's side. */
  readonly stream: Duplex;
  readonly received: Frame[] = [];
  readonly #decoder = new FrameDecoder();
  #arrived: () => void = () => {};

  constructor() {
    this.stream = new Duplex({
      read(): void {},
      write: (chunk: Uint8Array, _encoding, done): void => {
        this.#decoder.push(chunk, (frame) => this.received.push(frame));
        this.#arrived();
        done();
      },
    });
  }

  send(opcode: number, sequence: number, tag: number, payload: Uint8Array): void {
    this.sendBytes(encodeHeader(opcode, sequence, tag, payload.length));
    if (payload.length > 0) this.sendBytes(payload);
  }

  sendBytes(bytes: Uint8Array): void {
    this.stream.push(bytes);
  }

  setup(symbols: Record<string, number> = {}, pageSize = 4096): void {
    const out = new SpsWriter().string("x86_64-pc-linux-gnu").u64(pageSize).u64(0);
    out.sequence(Object.entries(symbols), ([name, address]) => out.string(name).u64(address));
    this.send(Opcode.setup, 0, 0, out.bytes);
  }

  end(): void {
    this.stream.push(null);
  }

  /** Waits until `count` frames have arrived. */
  async frames(count: number): Promise<Frame[]> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.received;
  }
}
