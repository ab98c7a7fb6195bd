import assert from "node:assert/strict";
import { test } from "node:test";
import { mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { listening, secretFile } from "./front.ts";
import { checkStreams, memoryBy, runBy } from "./program.ts";

const ip = (...words: string[]) => mustRun("ip", words);

/** Two network namespaces with a cable between them, for as long as `use` takes. */
async function withCable(use: (near: string, far: string) => Promise<void>): Promise<void> {
  const [near, far] = [`slablink-near-${process.pid}`, `slablink-far-${process.pid}`];
  const ends = [`sl${process.pid % 100000}a`, `sl${process.pid % 100000}b`] as const;
  try {
    for (const name of [near, far]) {
      await ip("netns", "add", name);
      await ip("-n", name, "link", "set", "lo", "up");
    }
    await ip("link", "add", ends[0], "netns", near, "type", "veth", "peer", "name", ends[1], "netns", far);
    await ip("-n", near, "addr", "add", "10.77.0.1/24", "dev", ends[0]);
    await ip("-n", far, "addr", "add", "10.77.0.2/24", "dev", ends[1]);
    await ip("-n", near, "link", "set", ends[0], "up");
    await ip("-n", far, "link", "set", ends[1], "up");
    await use(near, far);
  } finally {
    for (const name of [near, far]) await run("ip", ["netns", "delete", name]);
  }
}

/** Whether this process may make network namespaces; says why not, and fails with CI=true. */
async function mayMakeNamespaces(t: Parameters<typeof has>[0]): Promise<boolean> {
  if (!has(t, "ip", "unshare")) return false;
  const name = `slablink-try-${process.pid}`;
  const { status, stderr } = await run("ip", ["netns", "add", name]);
  if (status === 0) {
    await ip("netns", "delete", name);
    return true;
  }
  const text = `network namespaces cannot be made here (${stderr.trim()}): run as root, with CAP_SYS_ADMIN`;
  if (process.env.CI === "true") throw new Error(text);
  t.skip(text);
  return false;
}

test("TCP from one network namespace to another", async (t) => {
  if (!(await mayMakeNamespaces(t))) return;
  const file = secretFile("a secret between two namespaces");
  await withCable(async (near, far) => {
    const words = ["--listen", "tcp:10.77.0.2:0", "--beyond-loopback", "--secret-file", file];
    const prefix = ["ip", "netns", "exec", near] as const;
    for (const apart of [false, true]) {
      const isolated = apart ? ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] : [];
      const front = await listening(words, { prefix: ["ip", "netns", "exec", far, ...isolated] });
      const way = ["--connect", front.place, "--secret-file", file];
      const options = { prefix };
      await checkStreams(way, options);
      const memory = await memoryBy(way, options);
      if (apart) assert.match(memory, /^rpc \(the executor cannot open this process's memory: \/proc\//);
      else assert.equal(memory, "shared");
      const where = apart ? "TCP to another network and PID namespace" : "TCP to another network namespace";
      tableRow("ways in", where, apart ? "rpc" : "shared", "who proves the secret", "runs");
      assert.equal((await runBy(way, ["kill"], options)).status, 137);
      await front.stop(apart ? "SIGKILL" : "SIGTERM");
    }
  });
});
