import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Two numbers there and their sum back, by the messages of `child_process`. */
export interface IpcPeer {
  add(a: number, b: number): Promise<number>;
  close(): Promise<void>;
}

export function openIpc(): IpcPeer {
  const child = fork(fileURLToPath(new URL("ipc-child.js", import.meta.url)), { execArgv: [] });
  const ended = once(child, "exit");
  let answer: (sum: number) => void = () => {};
  child.on("message", (sum: number) => answer(sum));
  return {
    add: (a, b) =>
      new Promise((resolve) => {
        answer = resolve;
        child.send([a, b]);
      }),
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
