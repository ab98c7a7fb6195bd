import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Outcome, run } from "../support/process.ts";
import { slablink } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";
import { childrenOf, listening } from "./front.ts";
import { checkWay, memoryBy, runBy } from "./program.ts";

/** As a user without a home; what a shell finds by name may be for root only. */
const asOther = ["--reuid=65534", "--regid=65534", "--clear-groups"];
const PYTHON = "/usr/bin/python3";

const freshPath = (): string => join(freshDirectory(), "socket");

test("a Unix socket is a way to an executor for its owner", async () => {
  const path = freshPath();
  const front = await listening(["--listen", `unix:${path}`]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const way = ["--connect", front.place];
  await checkWay(way);
  assert.equal(await memoryBy(way), "shared");
  tableRow(
    "ways in",
    "`--listen unix:PATH`",
    "shared",
    "the same user (file mode 0600, SO_PEERCRED)",
    "all streams, statuses and signals are the program's",
  );
  assert.equal(await front.stop(), 0);
  assert.ok(!existsSync(path), "the socket's file stays behind");
});

test("a path is taken to its last byte, or refused", async () => {
  const directory = freshDirectory();
  const longest = join(directory, "x".repeat(107 - directory.length - 1));
  const front = await listening(["--listen", `unix:${longest}`]);
  assert.ok(existsSync(longest));
  assert.equal((await runBy(["--connect", front.place], [])).status, 7);
  const tooLong = `unix:${longest}y`;
  const end = `: a Unix socket's path has 107 bytes at most, '${longest}y' has 108\n`;
  const listens = await slablink(["executor", "--listen", tooLong]);
  assert.deepEqual(listens, { status: 2, stdout: "", stderr: `slablink: error: --listen${end}` });
  // The path without its last byte is another's socket.
  const connects = await runBy(["--connect", tooLong], []);
  assert.deepEqual(connects, { status: 2, stdout: "", stderr: `slablink: error: --connect${end}` });
  assert.equal(await front.stop(), 0);
  assert.deepEqual(readdirSync(directory), []);
});

test("another user is refused, even if the file lets it in", async (t) => {
  if (!has(t, "setpriv", PYTHON)) return;
  if (process.getuid!() !== 0) {
    if (process.env.CI === "true") throw new Error("this test changes its user: run it as root");
    return t.skip("this test changes its user: run it as root");
  }
  const path = join("/tmp", `slablink-test-${process.pid}.socket`);
  const front = await listening(["--listen", `unix:${path}`]);
  try {
    await run("chmod", ["666", path]);
    const script = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${path}"); print(s.recv(1000).decode(), end="")`;
    const { stdout, stderr } = await run("setpriv", [...asOther, PYTHON, "-c", script]);
    assert.equal(stderr, "");
    assert.equal(stdout, "slablink-executor 1 refused user 65534 is not user 0\n");
    assert.match(front.said(), /a controller refused: user 65534 is not user 0/);
    assert.deepEqual(childrenOf(front.pid), []);
    tableRow("ways in", "`--listen unix:PATH`", "", "another user", "refused by its number");
  } finally {
    await front.stop();
  }
});

test("a controller sends nothing to another user's socket", async (t) => {
  if (!has(t, "setpriv", PYTHON)) return;
  if (process.getuid!() !== 0) return t.skip("this test changes its user: run it as root");
  const path = join("/tmp", `slablink-test-other-${process.pid}.socket`);
  const script = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind("${path}"); os.chmod("${path}", 0o666); s.listen(1)
print("ready", flush=True)
c, _ = s.accept(); print(len(c.recv(1000)), flush=True)
os.unlink("${path}")`;
  let trying: Promise<Outcome> | undefined;
  const server = run("setpriv", [...asOther, PYTHON, "-c", script], {
    started: (child) =>
      child.stdout?.once("data", () => {
        trying = runBy(["--connect", `unix:${path}`], []);
      }),
  });
  const { stdout, stderr: failed } = await server;
  assert.equal(stdout, "ready\n0\n", failed);
  const { status, stderr } = await trying!;
  assert.equal(status, 1);
  assert.match(stderr, /error: unix:\S+: user 65534 listens there, not user 0; nothing was sent\n$/);
});

test("a socket that somebody listens on is not taken over, one that nobody does is", async () => {
  const path = freshPath();
  const front = await listening(["--listen", `unix:${path}`]);
  const second = await slablink(["executor", "--listen", `unix:${path}`]);
  assert.equal(second.status, 1);
  assert.equal(second.stderr, `slablink: error: unix:${path}: another process listens there\n`);
  const first = await runBy(["--connect", front.place], ["still there"]);
  assert.equal(first.stdout, "hello 2 still there\n");
  process.kill(front.pid, "SIGKILL");
  await front.ended;
  assert.ok(existsSync(path), "kill -9 leaves the file, which this test is about");
  const third = await listening(["--listen", `unix:${path}`]);
  assert.equal((await runBy(["--connect", third.place], ["again"])).status, 7);
  assert.equal(await third.stop("SIGINT"), 0);

  writeFileSync(path, "mine");
  const fourth = await slablink(["executor", "--listen", `unix:${path}`]);
  assert.equal(fourth.stderr, `slablink: error: unix:${path}: there is something that is no socket; it stays\n`);
  assert.equal(statSync(path).size, 4);
});

test("executors end with the front, whatever ends that", async () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const front = await listening(["--listen", `unix:${freshPath()}`]);
    const running = runBy(["--connect", front.place], ["wait"], {
      started: (child) =>
        child.stdout?.once("data", () => {
          assert.equal(childrenOf(front.pid).length, 2, "supervisor and executor");
          void front.stop(signal);
        }),
    });
    const { status, stderr } = await running;
    assert.equal(status, 1);
    assert.match(stderr, /error: the connection to the executor was lost before it said how it ended: unix:/);
    await front.ended;
  }
});

test("--once is for one controller, --max-connections for so many at a time", async () => {
  const once = await listening(["--listen", `unix:${freshPath()}`, "--once"]);
  assert.equal((await runBy(["--connect", once.place], ["exit", "4"])).status, 4);
  assert.equal(await once.ended, 0);

  const two = await listening(["--listen", `unix:${freshPath()}`, "--max-connections", "1"]);
  const path = two.place.slice("unix:".length);
  const holder = connect({ path });
  await new Promise((resolve) => holder.once("data", resolve));
  const refused = await runBy(["--connect", two.place], ["no"]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /error: unix:\S+: refused: no more than 1 controllers are let in at a time\n/);
  holder.destroy();
  for (let tries = 0; childrenOf(two.pid).length > 0 && tries < 500; tries++)
    await new Promise((r) => setTimeout(r, 10));
  assert.equal((await runBy(["--connect", two.place], ["exit", "5"])).status, 5);
  await two.stop();
});

test("what listens there and is no executor is told so", async () => {
  const path = freshPath();
  const answers = ["HTTP/1.1 400 Bad Request\n", "", "slablink-executor 2 peer-user\n", "x".repeat(3000)];
  const server = createServer((socket) => socket.end(answers.shift() ?? ""));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const expected = [
    /no executor of this version's/,
    /closed the connection/,
    /no executor of this version's/,
    /something other than a line of at most 512 bytes/,
  ];
  for (const pattern of expected) {
    const { status, stderr } = await runBy(["--connect", `unix:${path}`], []);
    assert.equal(status, 1);
    assert.match(stderr, pattern);
  }
  server.close();
  const { stderr } = await runBy(["--connect", `unix:${path}`], []);
  assert.match(stderr, /error: unix:.*ENOENT/);
});
