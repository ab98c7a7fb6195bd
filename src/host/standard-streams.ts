import { read, write } from "node:fs";
import { libc } from "./libc.ts";

/** The most that is read at once, in bytes. */
const CHUNK_SIZE = 64 * 1024;
/** <poll.h>; how long a thread waits for input at a time, in ms: a process does not end before its threads do. */
const POLLIN = 1;
const PATIENCE = 100;
/** How long to wait when whoever gave us the descriptor has made it non-blocking, in ms. */
const PAUSE = 5;

/** Where the standard streams of a program that runs elsewhere begin and end. */
export interface ProgramStreams {
  /** The next bytes of standard input; empty at its end, or as soon as they are not `wanted` any more. */
  read(wanted: () => boolean): Promise<Uint8Array>;
  /** Writes all of it to descriptor 1 or 2. Rejects when nobody reads there any more. */
  write(fd: number, bytes: Uint8Array): Promise<void>;
}

/**
 * This process's own standard streams. By threads of libuv's, not Node's streams: those would make descriptors that others have
 * too non-blocking.
 */
export const standardStreams: ProgramStreams = {
  async read(wanted) {
    const buffer = new Uint8Array(CHUNK_SIZE);
    for (;;) {
      while (wanted() && !(await isReadable(0)));
      if (!wanted()) return buffer.subarray(0, 0);
      const size = await new Promise<number | undefined>((resolve) => {
        read(0, buffer, 0, CHUNK_SIZE, null, (error, count) => resolve(isEarly(error) ? undefined : error ? 0 : count));
      });
      if (size !== undefined) return buffer.subarray(0, size);
      await pause();
    }
  },
  async write(fd, bytes) {
    for (let rest = bytes; rest.length > 0; ) {
      const count = await new Promise<number>((resolve, reject) => {
        write(fd, rest, 0, rest.length, null, (error, written) => {
          if (error !== null && !isEarly(error)) reject(error);
          else resolve(error === null ? written : 0);
        });
      });
      if (count === 0) await pause();
      rest = rest.subarray(count);
    }
  },
};

function isReadable(fd: number): Promise<boolean> {
  // struct pollfd: int fd; short events, revents.
  const poll = new DataView(new ArrayBuffer(8));
  poll.setInt32(0, fd, true);
  poll.setInt16(4, POLLIN, true);
  return new Promise((resolve) => {
    libc.poll.async(new Uint8Array(poll.buffer), 1, PATIENCE, (_, ready) => resolve(ready !== 0));
  });
}

function isEarly(error: NodeJS.ErrnoException | null): boolean {
  return error?.code === "EAGAIN";
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}
