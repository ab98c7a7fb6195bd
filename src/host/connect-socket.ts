import { connect, type Socket } from "node:net";

/** Of Node's. */
export type { Socket };

/** What `net.connect` takes. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** After so much silence the kernel asks whether the other end is still there, in ms. */
const KEEP_ALIVE = 15_000;

/** A connected socket of which each direction ends by itself. Rejects with the system's error, or after `limit` ms. */
export function connectSocket(address: SocketAddress, limit: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...address,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
    });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${limit} ms`));
    }, limit);
    socket.once("error", (error) => {
      clearTimeout(late);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(late);
      socket.removeAllListeners("error");
      // Whoever reads it finds the end.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** The next line of a socket, without its line feed; what comes behind it stays unread. Rejects at the end, beyond `most` bytes or `limit` ms. */
export function readLine(socket: Socket, most: number, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const late = setTimeout(() => done(() => reject(new Error(`no answer within ${limit} ms`))), limit);
    const done = (settle: () => void): void => {
      clearTimeout(late);
      socket.pause();
      socket.off("data", take).off("end", ended).off("close", ended).off("error", failed);
      settle();
    };
    const take = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf(10);
      if (end > most || (end < 0 && seen.length > most)) {
        done(() => reject(new Error(`sent something other than a line of at most ${most} bytes`)));
      } else if (end >= 0) {
        done(() => {
          if (end + 1 < seen.length) socket.unshift(seen.subarray(end + 1));
          resolve(seen.toString("latin1", 0, end));
        });
      }
    };
    const ended = (): void => done(() => reject(new Error("closed the connection")));
    const failed = (error: Error): void => done(() => reject(error));
    socket.on("data", take).on("end", ended).on("close", ended).on("error", failed);
    socket.resume();
  });
}
