import { readSync } from "node:fs";
import type { ByteChannel, ChannelListener } from "./byte-channel.ts";
import { errno, libc } from "./libc.ts";
import { closeNative } from "./native-descriptor.ts";
import { Errno } from "./system-error.ts";

/*
 * A socket's end that this thread waits for by itself. Node's streams and their event loop cost a short run 4 ms before the first
 * byte has come: the modules, the objects, first calls of each. Nothing else is to be done while an answer is on its way, so the
 * thread sleeps in poll(2), in slices between which timers and signals have their turn. After some slices without an answer (a
 * program is running) a thread of libuv's does the waiting, for the end of the process at the other end too: children that it made
 * without the C library's knowledge (_Fork, clone) have its end of the socket, and keep it.
 */

/** How long one slice may last, and how many are slept through in vain before a thread waits; in ms. */
const SLICE = 5;
const SLICES = 40;

/** Pieces that arrive together are cut into these, in bytes. */
const CHUNK_SIZE = 64 * 1024;

/** Bodies up to this size are copied behind their head: the reader wakes up once. */
const INLINE_SIZE = 16 * 1024;

/** <poll.h>, <sys/socket.h> on Linux. */
const POLLIN = 1;
const POLLOUT = 4;
const SYS_pidfd_open = 434;
const SHUT_RDWR = 2;
const SHUT_WR = 1;
const MSG_DONTWAIT_NOSIGNAL = 0x4040;

/** A channel over a connected stream socket, whose descriptor it owns. For a process that has nothing else to do. */
export class PolledChannel implements ByteChannel {
  readonly #fd: number;
  /** struct pollfd: int fd; short events, revents. */
  readonly #poll = new DataView(new ArrayBuffer(8));
  readonly #buffer = new Uint8Array(new ArrayBuffer(CHUNK_SIZE));
  /** Arrived while something was sent, and not delivered yet. */
  readonly #early: Uint8Array[] = [];
  readonly #over: () => void;
  readonly #process: number | undefined;
  #listener: ChannelListener | undefined;
  #expecting = false;
  #scheduled = false;
  /** A thread of libuv's does. */
  #isWaiting = false;
  /** A descriptor that can be read when the process is gone; -1: there is none. */
  #end: number | undefined;
  #quietSlices = 0;
  #writable = true;
  /** The other end is to answer with its own end. */
  #closed = false;
  #ended = false;

  /** `over` is called once, when the channel has come to its end or is given up. `process`: who is at the other end. */
  constructor(fd: number, over: () => void = () => {}, process?: number) {
    this.#fd = fd;
    this.#over = over;
    this.#process = process;
    this.#poll.setInt32(0, fd, true);
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  expect(something: boolean): void {
    this.#expecting = something || this.#closed;
    this.#quietSlices = 0;
    this.#schedule();
  }

  write(head: Uint8Array, body: Uint8Array): void {
    if (body.length <= INLINE_SIZE) {
      this.#send(body.length === 0 ? head : Buffer.concat([head, body]));
      return;
    }
    this.#send(head);
    this.#send(body);
  }

  close(): void {
    if (this.#writable) libc.shutdown(this.#fd, SHUT_WR);
    this.#writable = false;
    this.#closed = true;
    this.expect(true);
  }

  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#writable = false;
    // A thread that waits must let go before the descriptors may be closed.
    if (this.#isWaiting) libc.shutdown(this.#fd, SHUT_RDWR);
    else this.#closeDescriptors();
    this.#over();
  }

  #schedule(): void {
    if (this.#scheduled || this.#isWaiting || this.#ended || !this.#expecting) return;
    this.#scheduled = true;
    setImmediate(() => this.#look());
  }

  /** Sleeps until something arrives, a slice at most, and delivers it. */
  #look(): void {
    this.#scheduled = false;
    if (this.#ended || !this.#expecting || this.#isWaiting) return;
    if (this.#early.length > 0) {
      for (const chunk of this.#early.splice(0)) this.#listener?.receive(chunk);
    } else if (this.#wait(POLLIN, SLICE) !== 0) {
      this.#quietSlices = 0;
      this.#deliver(this.#read());
    } else if (++this.#quietSlices === SLICES) {
      this.#quietSlices = 0;
      this.#waitInBackground();
    }
    this.#schedule();
  }

  /** The events that happened, 0 after `limit` ms (-1: none) or when a signal came. */
  #wait(events: number, limit: number): number {
    this.#poll.setInt16(4, events, true);
    this.#poll.setInt16(6, 0, true);
    return libc.poll(this.#bytesOfPoll, 1, limit) > 0 ? this.#poll.getInt16(6, true) : 0;
  }

  get #bytesOfPoll(): Uint8Array {
    return new Uint8Array(this.#poll.buffer);
  }

  /** A copy of what is there; nothing at the end, undefined when the connection was broken off. */
  #read(): Uint8Array | undefined {
    try {
      return this.#buffer.slice(0, readSync(this.#fd, this.#buffer, 0, CHUNK_SIZE, null));
    } catch {
      return undefined; // ECONNRESET: the other end went without reading all
    }
  }

  #waitInBackground(): void {
    this.#isWaiting = true;
    this.#end ??= this.#process === undefined ? -1 : libc.syscall(SYS_pidfd_open, this.#process, 0);
    const both = new DataView(new ArrayBuffer(16));
    both.setInt32(0, this.#fd, true);
    both.setInt16(4, POLLIN, true);
    both.setInt32(8, this.#end, true);
    both.setInt16(12, POLLIN, true);
    libc.poll.async(new Uint8Array(both.buffer), 2, -1, () => {
      this.#isWaiting = false;
      if (this.#ended) this.#closeDescriptors();
      else if (this.#early.length === 0) {
        if (this.#wait(POLLIN, 0) !== 0) this.#deliver(this.#read());
        // Nothing more comes from a process that is gone, whoever else may have its end.
        else if (both.getInt16(14, true) !== 0) this.#deliver(undefined);
      }
      this.#schedule();
    });
  }

  #closeDescriptors(): void {
    closeNative(this.#fd);
    if (this.#end !== undefined && this.#end >= 0) closeNative(this.#end);
  }

  #deliver(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined && chunk.length > 0) this.#listener?.receive(chunk);
    else {
      this.destroy();
      this.#listener?.end(undefined);
    }
  }

  /**
   * Sends without ever waiting for the other end alone: that may be waiting itself for us to take what it has sent.
   */
  #send(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0 && this.#writable) {
      const sent = libc.send(this.#fd, rest, rest.length, MSG_DONTWAIT_NOSIGNAL);
      if (sent > 0) {
        rest = rest.subarray(sent);
        continue;
      }
      if (errno() !== Errno.EAGAIN) {
        this.#writable = false; // nobody is there: reading finds the end
        return;
      }
      if ((this.#wait(POLLIN | POLLOUT, -1) & POLLIN) === 0) continue;
      const chunk = this.#read();
      if (chunk === undefined || chunk.length === 0) this.#writable = false;
      else this.#early.push(chunk);
    }
  }
}
