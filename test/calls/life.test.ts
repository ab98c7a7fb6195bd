import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { run } from "../support/process.ts";
import { isolated, modes, open } from "./opened.ts";

const PROGRAM = `
#include <unistd.h>
int twice(int x) { return 2 * ask(x); }
int doze(int n) { usleep(n); return n; }
int forked(int n) { int pid = fork(); return pid == 0 ? ask(n) : pid; }
`;

/** What this process holds open or mapped that a channel could have left. */
function held(): string[] {
  const open = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
  const mapped = readFileSync("/proc/self/maps", "utf8").split("\n");
  const found = [...open.filter((name) => /^(pipe|socket|\/memfd)/.test(name)), ...mapped];
  return found.filter((line) => /^pipe|^socket|memfd:slablink/.test(line));
}

const threads = () => readdirSync("/proc/self/task").length;

for (const mode of modes) {
  test(`${mode}: ten channels at once, and nothing is left of them`, async () => {
    const warm = await open(mode, PROGRAM, ["ii"], { ask: "ii" });
    await warm.session.endSession();
    const [before, threadsBefore] = [held().length, threads()];
    const all = await Promise.all(Array.from({ length: 10 }, () => open(mode, PROGRAM, ["ii"], { ask: "ii" })));
    all.forEach(({ bind }, i) => void bind("ask", (x: number) => x + i));
    assert.deepEqual(
      all.map(({ sync }) => sync("twice", "ii", [10])),
      all.map((_, i) => 2 * (10 + i)),
    );
    const calls = all.flatMap(({ call }) => [1, 2, 3].map((x) => call("twice", "ii", [x])));
    assert.deepEqual(
      await Promise.all(calls),
      all.flatMap((_, i) => [1, 2, 3].map((x) => 2 * (x + i))),
    );
    // Imports of one channel that call into another.
    all[0].bind("ask", (x: number) => all[1].sync("twice", "ii", [x]));
    assert.equal(all[0].sync("twice", "ii", [5]), 24);
    await Promise.all(all.map(({ session }) => session.endSession()));
    // Node closes sockets in its own time.
    for (let i = 0; i < 200 && (held().length > before || threads() > threadsBefore); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(held().length, before);
    assert.ok(threads() <= threadsBefore, "threads");
    for (const { pid } of all) if (pid !== undefined) assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });

  for (const [what, script, status, output] of [
    ["idle", "sync", 0, "6\n"],
    ["with a call outstanding", "const n = await call('doze', 'ii', [100000]); console.log(n);", 0, "6\n100000\n"],
    ["left by process.exit", "call('doze', 'ii', [60000000]).catch(() => {}); process.exit(4);", 4, "6\n"],
  ] as const) {
    test(`${mode}: Node ends by itself, the channel ${what}`, async () => {
      const url = new URL("./opened.js", import.meta.url);
      const text = `import { open } from ${JSON.stringify(url)};
        const { sync, call, bind } = await open(${JSON.stringify(mode)}, ${JSON.stringify(PROGRAM)}, ["ii"], { ask: "ii" });
        bind("ask", (x) => x); console.log(sync("twice", "ii", [3]));
        ${script};`;
      const { status: found, stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", text], {});
      assert.deepEqual({ found, stdout, stderr }, { found: status, stdout: output, stderr: "" });
    });
  }
}

for (const mode of modes) {
  // In a process of its own: node:test gives up itself when nothing keeps Node alive.
  test(`${mode}: calls that wait for each other on all threads: one is refused, others wait for what comes from outside`, async () => {
    const url = new URL("./opened.js", import.meta.url);
    const text = `import { open } from ${JSON.stringify(url)};
      const { session, call, bind } = await open(${JSON.stringify(mode)}, ${JSON.stringify(PROGRAM)}, ["ii"], { ask: "ii" });
      bind("ask", async (n) => n === 0 ? 1 : await call("twice", "ii", [n - 1]));
      console.log(await call("twice", "ii", [20]));
      console.log(await call("twice", "ii", [200]).catch((error) => error.code + ": " + error.message));
      console.log(await call("twice", "ii", [20]));
      bind("ask", (n) => new Promise((resolve) => setTimeout(resolve, 5, n)));
      const all = await Promise.all(Array.from({ length: 150 }, (_, i) => call("twice", "ii", [i])));
      console.log(all.every((n, i) => n === 2 * i));
      await session.endSession();`;
    const { status, stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", text], {});
    const threads = mode === "by messages" ? 32 : 64;
    const refused = `executor: no thread for a call: the calls on all ${threads} wait for Promises of imports, which wait for it`;
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 0, stdout: `2097152\n${refused}\n2097152\ntrue\n`, stderr: "" },
    );
  });
}

for (const mode of isolated) {
  test(`${mode}: a child process that linked code forks has no controller, and disturbs nobody`, async () => {
    const { session, sync, call, bind } = await open(mode, PROGRAM, ["ii"], { ask: "ii" });
    try {
      bind("ask", (x: number) => x);
      assert.ok((sync("forked", "ii", [1]) as number) > 0);
      assert.ok(((await call("forked", "ii", [1])) as number) > 0);
      assert.equal(sync("twice", "ii", [3]), 6);
    } finally {
      await session.endSession();
    }
  });
}
