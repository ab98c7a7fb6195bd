import type { Socket } from "node:net";
import { SlablinkError } from "../errors.ts";
import { errno, libc } from "./libc.ts";
import { closeNative } from "./native-descriptor.ts";

const O_CLOEXEC_NONBLOCK = 0x8_0800;

/** A pipe whose bytes mean nothing but that this process is to look. It keeps the process alive only while it is held. */
export class WakePipe {
  /** Where another process of this user, or this one, opens it for writing. */
  readonly path: string;
  readonly #socket: Socket;
  #writeEnd: number;

  /** `wake` is called in the event loop, once for all that has come meanwhile. Errors: code "memory", out of descriptors. */
  constructor(wake: () => void) {
    const ends = new Int32Array(2);
    if (libc.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC_NONBLOCK) !== 0) {
      throw new SlablinkError("memory", `cannot make a pipe: ${libc.strerror(errno())}`);
    }
    const [fd, writeEnd] = ends as unknown as [number, number];
    this.#writeEnd = writeEnd;
    this.path = `/proc/${process.pid}/fd/${writeEnd}`;
    const { Socket } = process.getBuiltinModule("node:net");
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", wake);
    this.#socket.on("error", () => {});
    this.#socket.unref();
  }

  /** Gives up this side's writing end, when the other has its own. */
  closeWriteEnd(): void {
    if (this.#writeEnd >= 0) closeNative(this.#writeEnd);
    this.#writeEnd = -1;
  }

  /** Whether the process is to stay alive for what may come. */
  hold(held: boolean): void {
    if (held) this.#socket.ref();
    else this.#socket.unref();
  }

  close(): void {
    this.closeWriteEnd();
    this.#socket.destroy();
  }
}
