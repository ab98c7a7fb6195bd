import type { Socket } from "node:net";
import { libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** The user at the other end of a Unix socket, as the kernel noted when that was connected (unix(7)). Errors: code "executor". */
export function peerUser(socket: Socket): number {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  // struct ucred: pid, uid, gid.
  const credentials = new Int32Array(new ArrayBuffer(16));
  const size = Int32Array.of(12, 0);
  const [value, length] = [new Uint8Array(credentials.buffer), new Uint8Array(size.buffer)];
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0) {
    throw systemError("executor", "the user at the other end of the socket cannot be found out");
  }
  return credentials[1]! >>> 0;
}
