import { read, write } from "node:fs";

/** The most that is read at once, in bytes. */
const CHUNK_SIZE = 64 * 1024;
/** How long to wait when whoever gave us the descriptor has made it non-blocking, in ms. */
const PAUSE = 5;

/** Where the standard streams of a program that runs elsewhere begin and end. */
export interface ProgramStreams {
  /** The next bytes of standard input; empty at its end. */
  read(): Promise<Uint8Array>;
  /** Writes all of it to descriptor 1 or 2. Rejects when nobody reads there any more. */
  write(fd: number, bytes: Uint8Array): Promise<void>;
}

/**
 * This process's own standard streams. By threads of libuv's, not Node's streams: those would make descriptors that others have
 * too non-blocking.
 */
export const standardStreams: ProgramStreams = {
  async read() {
    const buffer = new Uint8Array(CHUNK_SIZE);
    for (;;) {
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

function isEarly(error: NodeJS.ErrnoException | null): boolean {
  return error?.code === "EAGAIN";
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}
