import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { build } from "../build.ts";

/** The other side is C, so that Node's side alone is what counts. */
const echoText = `#include <stdint.h>
#include <unistd.h>

int main(void) {
  int32_t numbers[2];
  while (read(3, numbers, sizeof numbers) == sizeof numbers) {
    int32_t sum = numbers[0] + numbers[1];
    if (write(3, &sum, sizeof sum) != sizeof sum) return 1;
  }
  return 0;
}
`;

/** Two numbers there and their sum back, as raw bytes over a socketpair that Node reads as a stream. */
export interface SocketPeer {
  add(a: number, b: number): Promise<number>;
  close(): Promise<void>;
}

/** Starts the process. `directory` is for its program. */
export function openSocketpair(directory: string): SocketPeer {
  const program = build(directory, "echo", echoText, []);
  // What Node calls a pipe is a socketpair.
  const child = spawn(program, [], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const ended = once(child, "exit");
  const socket = child.stdio[3] as Socket;
  let answer: (sum: number) => void = () => {};
  socket.on("data", (bytes: Buffer) => answer(bytes.readInt32LE(0)));
  const request = Buffer.alloc(8);
  return {
    add: (a, b) =>
      new Promise((resolve) => {
        answer = resolve;
        request.writeInt32LE(a, 0);
        request.writeInt32LE(b, 4);
        socket.write(request);
      }),
    close: async () => {
      socket.end();
      await ended;
    },
  };
}
