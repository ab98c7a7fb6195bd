import { createRequire } from "node:module";
import { addText, linkAdd, repeatAsync, repeatSync } from "../add.ts";
import { build } from "../build.ts";
import type { Contest } from "../contest.ts";
import { openIpc } from "../peers/ipc.ts";
import { openSocketpair } from "../peers/socketpair.ts";

interface KoffiLibrary {
  func(declaration: string): (a: number, b: number) => number;
  unload(): void;
}

/** Calls of `int add(int, int)`. */
export const calls: readonly Contest[] = [
  {
    name: "call in this process",
    against: "koffi's declared call of the same function in a .so",
    ratio: 1.1,
    async prepare(directory) {
      const instance = await linkAdd(directory, false);
      const koffi: { load(path: string): KoffiLibrary } = createRequire(import.meta.url)("koffi");
      const library = koffi.load(build(directory, "libadd.so", addText, ["-shared", "-fPIC"]));
      return {
        own: repeatSync(instance.exports.add),
        peer: repeatSync(library.func("int add(int, int)")),
        close: async () => {
          library.unload();
          await instance.dispose();
        },
      };
    },
  },
  isolated("sync", "ipc", 0.1),
  isolated("sync", "socketpair", 0.5),
  isolated("async", "ipc"),
  isolated("async", "socketpair"),
];

/** A call into an executor that waits, or does not, against a round trip to another process. */
function isolated(how: "sync" | "async", other: "ipc" | "socketpair", ratio?: number): Contest {
  return {
    name: `isolated call, ${how}`,
    against: other === "ipc" ? "a round trip over child_process IPC" : "a round trip over a raw socketpair",
    ratio,
    async prepare(directory) {
      const { exports, dispose } = await opened(directory);
      const peer = other === "ipc" ? openIpc() : openSocketpair(directory);
      return {
        own: how === "sync" ? repeatSync(exports.add.sync) : repeatAsync(exports.add),
        peer: repeatAsync(peer.add),
        close: async () => {
          await peer.close();
          await dispose();
        },
      };
    },
  };
}

async function opened(directory: string) {
  const instance = await linkAdd(directory, true);
  return { exports: instance.exports, dispose: () => instance.dispose() };
}
