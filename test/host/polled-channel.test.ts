import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, fstatSync } from "node:fs";
import { Socket } from "node:net";
import { test } from "node:test";
import { libc } from "../../src/host/libc.ts";
import { PolledChannel } from "../../src/host/polled-channel.ts";

function socketPair(): [number, number] {
  const fds = new Int32Array(new ArrayBuffer(8));
  assert.equal(libc.socketpair(1, 0x80001, 0, new Uint8Array(fds.buffer)), 0);
  return [fds[0]!, fds[1]!];
}

/** Both ends of a connection: a channel, and a socket of Node's. */
function pair(over?: () => void): { channel: PolledChannel; fd: number; other: Socket } {
  const [fd, theirs] = socketPair();
  return {
    channel: new PolledChannel(fd, over),
    fd,
    other: new Socket({ fd: theirs, readable: true, writable: true }),
  };
}

/** Resolves with what the channel gave until `done` says that it is all, or it ended. */
function gather(channel: PolledChannel, done: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const end = (): void => resolve(text);
    const receive = (chunk: Uint8Array): void => {
      text += Buffer.from(chunk).toString();
      if (done(text)) end();
    };
    channel.listen({ receive, end });
    channel.expect(true);
  });
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a polled channel gets an answer, at once or after long, and its end", async () => {
  let over = 0;
  const { channel, fd, other } = pair(() => over++);
  const gathered = gather(channel, () => false);
  other.write("now");
  await pause(400); // by then a thread of libuv's waits
  other.write(" later");
  await pause(20);
  other.end(" last");
  assert.equal(await gathered, "now later last");
  assert.equal(over, 1);
  assert.throws(() => fstatSync(fd), { code: "EBADF" });
  channel.write(Buffer.from("nobody"), new Uint8Array(0)); // nothing happens
  channel.destroy();
  assert.equal(over, 1);
  other.destroy();
});

test("a polled channel looks for nothing while nothing is expected", async () => {
  const { channel, other } = pair();
  let got = "";
  channel.listen({ receive: (chunk) => (got += Buffer.from(chunk)), end: () => {} });
  other.write("early");
  await pause(30);
  assert.equal(got, "");
  channel.expect(true);
  await pause(30);
  assert.equal(got, "early");
  channel.destroy();
  other.destroy();
});

test("a polled channel takes what comes while it sends: the other end may wait for that", async () => {
  const [ours, theirs] = socketPair();
  const echo = spawn("cat", { stdio: [theirs, theirs, "inherit"] });
  closeSync(theirs);
  const channel = new PolledChannel(ours);
  const size = 2 ** 22; // what a socket holds is a twentieth of it
  const gathered = gather(channel, (text) => text.length === size + 4);
  channel.write(Buffer.from("head"), new Uint8Array(size).fill(0x78));
  const text = await gathered;
  assert.equal(text.slice(0, 6), "headxx");
  assert.equal(text.length, size + 4);
  const ended = gather(channel, () => false);
  channel.close();
  await ended;
  assert.equal(echo.exitCode ?? (await new Promise((resolve) => echo.once("exit", resolve))), 0);
});
