import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { answerTo, greetingLine, makeNonce, parseGreeting } from "../../src/epc/handshake.ts";
import { slablink } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { childrenOf, listening, secretFile } from "./front.ts";
import { checkWay, memoryBy, programObject, runBy } from "./program.ts";

const SECRET = "a secret of thirty-two characters";
const WAY = "`--listen tcp:127.0.0.1:PORT`";

/** A raw client: sends lines, gives what comes. */
class Client {
  readonly socket: Socket;
  #seen = "";
  #ended = false;
  constructor(place: string) {
    const [, host, port] = place.split(":");
    this.socket = connect(Number(port), host);
    this.socket.on("data", (chunk) => {
      this.#seen += chunk.toString("latin1");
    });
    this.socket.on("close", () => {
      this.#ended = true;
    });
    this.socket.on("error", () => {});
  }
  /** The next line; what there was when the connection ended. */
  async line(): Promise<string> {
    while (!this.#seen.includes("\n") && !this.#ended) await new Promise((r) => setTimeout(r, 5));
    const end = this.#seen.indexOf("\n");
    const line = this.#seen.slice(0, end < 0 ? undefined : end);
    this.#seen = end < 0 ? "" : this.#seen.slice(end + 1);
    return line;
  }
  async nonce(): Promise<string> {
    const line = await this.line();
    const greeting = parseGreeting(line);
    assert.ok(greeting?.kind === "hmac-sha-256", line);
    return greeting.nonce;
  }
}

test("TCP is a way to an executor for who knows the secret", async () => {
  const file = secretFile(`${SECRET}\n`);
  const front = await listening(["--listen", "tcp:127.0.0.1:0", "--secret-file", file]);
  const way = ["--connect", front.place, "--secret-file", file];
  await checkWay(way);
  assert.equal(await memoryBy(way), "shared");
  const named = await runBy(["--connect", front.place], ["x"], { env: { SLABLINK_SECRET: SECRET } });
  assert.equal(named.status, 7, "the environment's secret is the same without the line's end");
  tableRow("ways in", WAY, "shared", "who proves the secret", "all streams, statuses and signals are the program's");
  assert.equal(await front.stop(), 0);
});

test("who does not know the secret is refused and pays with time", async () => {
  const front = await listening(["--listen", "tcp:127.0.0.1:0"], { env: { SLABLINK_SECRET: SECRET } });
  const wrong = secretFile("some other secret of a good length");
  const begin = Date.now();
  for (let i = 0; i < 4; i++) {
    const client = new Client(front.place);
    const { answer } = answerTo(await client.nonce(), Buffer.from("some other secret of a good length"));
    client.socket.write(answer);
    assert.equal(await client.line(), "slablink-executor 1 refused wrong secret");
  }
  // 250 + 500 + 1000 + 2000 ms; each connection also waits for what is left of the ones before.
  assert.ok(Date.now() - begin >= 3700, `four guesses took ${Date.now() - begin} ms`);
  const { status, stderr } = await runBy(["--connect", front.place, "--secret-file", wrong], []);
  assert.equal(status, 1);
  assert.match(stderr, /^slablink: error: tcp:127\.0\.0\.1:\d+: refused: wrong secret\n$/);
  const none = await runBy(["--connect", front.place], []);
  assert.match(
    none.stderr,
    /error: tcp:\S+: a secret is needed, from --secret-file or the environment's SLABLINK_SECRET\n$/,
  );
  assert.match(front.said(), /refused: wrong secret/);
  assert.deepEqual(childrenOf(front.pid), [], "no executor was started");
  tableRow("ways in", WAY, "", "a wrong secret, or none", "refused before any frame; each wrong one doubles the wait");
  await front.stop();
});

test("an answer is good for its own connection only, and nobody's proof can be handed back", async () => {
  const front = await listening(["--listen", "tcp:127.0.0.1:0"], { env: { SLABLINK_SECRET: SECRET } });
  const first = new Client(front.place);
  const nonce = await first.nonce();
  const { answer, welcome } = answerTo(nonce, Buffer.from(SECRET));
  first.socket.write(answer);
  assert.equal(`${await first.line()}\n`, welcome);
  const replay = new Client(front.place);
  assert.notEqual(await replay.nonce(), nonce);
  replay.socket.write(answer);
  assert.equal(await replay.line(), "slablink-executor 1 refused wrong secret");
  // The executor's own proof in the place of ours.
  const reflected = new Client(front.place);
  await reflected.nonce();
  reflected.socket.write(`${answer.slice(0, 64)} ${welcome.slice("welcome ".length)}`);
  assert.equal(await reflected.line(), "slablink-executor 1 refused wrong secret");
  first.socket.destroy();
  tableRow("ways in", WAY, "", "a recorded answer", "refused: the nonce is another");
  await front.stop();
});

test("who says nothing, too much or something else is refused", async () => {
  const front = await listening(["--listen", "tcp:127.0.0.1:0"], { env: { SLABLINK_SECRET: SECRET } });
  const silent = new Client(front.place);
  await silent.nonce();
  const long = new Client(front.place);
  const { answer } = answerTo(await long.nonce(), Buffer.from(SECRET));
  long.socket.write(`${answer}and the first bytes of a frame`);
  assert.equal(await long.line(), "slablink-executor 1 refused sent more than the 130 bytes of an answer");
  const other = new Client(front.place);
  await other.nonce();
  other.socket.write(`${"GET / HTTP/1.1 ".repeat(10).slice(0, 129)}\n`);
  assert.equal(await other.line(), "slablink-executor 1 refused wrong secret");
  assert.equal(await silent.line(), "slablink-executor 1 refused no answer within 10 s");
  tableRow("ways in", WAY, "", "who says nothing for 10 s", "refused");
  await front.stop();
});

test("connections that prove nothing do not keep others out for ever, nor pile up", async () => {
  const front = await listening(["--listen", "tcp:127.0.0.1:0"], { env: { SLABLINK_SECRET: SECRET } });
  const strangers = Array.from({ length: 4 }, () => new Client(front.place));
  for (const stranger of strangers) await stranger.nonce();
  const fifth = new Client(front.place);
  assert.equal(await fifth.line(), "slablink-executor 1 refused too many connections that have proved nothing");
  for (const { socket } of strangers) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { status } = await runBy(["--connect", front.place], ["exit", "2"], { env: { SLABLINK_SECRET: SECRET } });
  assert.equal(status, 2);
  await front.stop();
});

test("a server that does not know the secret learns nothing of the program", async () => {
  let received = "";
  const server = createServer((socket) => {
    socket.write(greetingLine({ kind: "hmac-sha-256", nonce: makeNonce() }));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.endsWith("\n")) socket.write(`welcome ${"0".repeat(64)}\n`);
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const env = { SLABLINK_SECRET: SECRET };
  const { status, stderr } = await runBy(["--connect", `tcp:127.0.0.1:${port}`], [], { env });
  assert.equal(status, 1);
  assert.match(stderr, /error: tcp:\S+: what listens there does not know the secret; nothing else was sent\n$/);
  assert.match(received, /^[0-9a-f]{64} [0-9a-f]{64}\n$/);
  server.close();
});

test("what would be open to others is not listened on unless that is said", async () => {
  const file = secretFile(SECRET);
  const refusals: [string[], RegExp][] = [
    [["tcp:0.0.0.0:0", "--secret-file", file], /0\.0\.0\.0 is no loopback address; --beyond-loopback allows that/],
    [["tcp:[::]:0", "--secret-file", file], /:: is no loopback address/],
    [["tcp:127.0.0.1:0"], /a secret is needed, from --secret-file or the environment's SLABLINK_SECRET/],
    [
      ["tcp:127.0.0.1:0", "--secret-file", secretFile(SECRET, 0o644)],
      /others may use the secret's file \(mode 0644, expected 0600 or less\): chmod 600/,
    ],
    [["tcp:127.0.0.1:0", "--secret-file", secretFile(SECRET, 0o640)], /mode 0640/],
    [["tcp:127.0.0.1:0", "--secret-file", secretFile("too short\n")], /the secret has 9 bytes, expected at least 16/],
    [["tcp:127.0.0.1:0", "--secret-file", "/nowhere"], /\/nowhere: no such file/],
    [
      ["tcp:0.0.0.0:0", "--llvm-unauthenticated", "--beyond-loopback"],
      /--llvm-unauthenticated: 0\.0\.0\.0 is no loopback address/,
    ],
    [["unix:/tmp/x", "--llvm-unauthenticated"], /--llvm-unauthenticated is for TCP/],
    [
      ["tcp:somewhere.example:0", "--beyond-loopback", "--secret-file", file],
      /'somewhere\.example' is a name, expected an address/,
    ],
    [["tcp:127.0.0.1:99999", "--secret-file", file], /neither unix:PATH nor tcp:HOST:PORT/],
  ];
  for (const [words, expected] of refusals) {
    const { status, stderr } = await slablink(["executor", "--listen", ...words], { timeout: 10_000 });
    assert.match(stderr, expected);
    assert.ok(status === 1 || status === 2, stderr);
  }
  tableRow("ways in", "`--listen tcp:0.0.0.0:PORT`", "", "", "refused without `--beyond-loopback`");
  const open = await slablink([
    "run",
    "--connect",
    "tcp:127.0.0.1:1",
    "--secret-file",
    secretFile(SECRET, 0o604),
    await programObject(),
  ]);
  assert.match(open.stderr, /others may use the secret's file \(mode 0604/);
});

test("exactly the address that was asked for is bound", async () => {
  const front = await listening(["--listen", "tcp:127.0.0.2:0"], { env: { SLABLINK_SECRET: SECRET } });
  const port = front.place.split(":")[2]!;
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
    connect(Number(port), "127.0.0.1").on("error", resolve);
  });
  assert.equal(error.code, "ECONNREFUSED");
  await front.stop();
});
