import { readSync } from "node:fs";
import type { Readable } from "node:stream";
import { libc } from "./libc.ts";

/** A stream over a descriptor that libuv reads, or one that has none. */
export type SocketLike = Readable & { ref?(): unknown; unref?(): unknown; _handle?: { readonly fd?: number } | null };

const CHUNK_SIZE = 64 * 1024;
const POLLIN = 1;

/**
 * The next bytes of a stream of Node's, without the event loop: waits for them, `limit` ms at most. Nothing at the stream's end, undefined when
 * nothing has come. What Node has read already comes first; libuv reads no further than what it hands over at once, so the order holds.
 */
export function readSocket(stream: SocketLike, limit: number): Uint8Array | undefined {
  if (stream.readableLength > 0) return undefined; // its listener gets that, in its turn
  const fd = stream._handle?.fd;
  if (stream.destroyed || fd === undefined || fd < 0) return new Uint8Array(0);
  if (!isReadable(fd, limit)) return undefined;
  const bytes = new Uint8Array(CHUNK_SIZE);
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, CHUNK_SIZE, null));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? undefined : new Uint8Array(0);
  }
}

/** poll(2): whether something can be read within `limit` ms, the end included. */
function isReadable(fd: number, limit: number): boolean {
  const poll = new DataView(new ArrayBuffer(8));
  poll.setInt32(0, fd, true);
  poll.setInt16(4, POLLIN, true);
  return libc.poll(new Uint8Array(poll.buffer), 1, Math.max(0, Math.ceil(limit))) > 0;
}
