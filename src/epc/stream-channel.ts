import type { Duplex, Readable, Writable } from "node:stream";
import type { ByteChannel, ChannelListener } from "../host/byte-channel.ts";
import { readSocket, type SocketLike } from "../host/read-socket.ts";

/** Bodies up to this size are copied behind their head, so that a message is one write. */
const INLINE_SIZE = 16 * 1024;

/** A channel over a stream of Node's, or over two of them, one for each direction. */
export class StreamChannel implements ByteChannel {
  readonly #readable: Readable;
  readonly #stream: Writable;
  #listener: ChannelListener | undefined;
  #expecting = false;
  #alwaysAlive = true;

  constructor(stream: Duplex);
  constructor(readable: Readable, writable: Writable);
  constructor(readable: Readable, writable: Writable = readable as Duplex) {
    this.#readable = readable;
    this.#stream = writable;
  }

  listen(listener: ChannelListener): void {
    const stream = this.#readable;
    this.#listener = listener;
    stream.on("data", (chunk: Uint8Array) => listener.receive(chunk));
    stream.on("end", () => listener.end(undefined));
    stream.on("error", (cause) => listener.end(cause));
    stream.on("close", () => listener.end(undefined));
    // What cannot be sent any more: reading finds the end.
    if (this.#stream !== (stream as unknown)) this.#stream.on("error", () => {});
  }

  expect(something: boolean): void {
    this.#expecting = something;
    this.#hold();
  }

  keepAlive(always: boolean): void {
    this.#alwaysAlive = always;
    this.#hold();
  }

  receiveNow(limit: number): boolean {
    const chunk = readSocket(this.#readable as SocketLike, limit);
    if (chunk === undefined) return false;
    // At the end the event loop finds it too, and tells why.
    if (chunk.length > 0) this.#listener?.receive(chunk);
    else this.#listener?.end(undefined);
    return true;
  }

  #hold(): void {
    const socket = this.#readable as SocketLike;
    if (this.#alwaysAlive || this.#expecting) socket.ref?.();
    else socket.unref?.();
  }

  write(head: Uint8Array, body: Uint8Array): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    if (body.length <= INLINE_SIZE) {
      stream.write(body.length === 0 ? head : Buffer.concat([head, body]));
      return;
    }
    stream.cork();
    stream.write(head);
    stream.write(body);
    stream.uncork();
  }

  close(): void {
    if (!this.#stream.destroyed) this.#stream.end(() => this.#stream.destroy());
  }

  destroy(): void {
    this.#stream.destroy();
    this.#readable.destroy();
  }
}
