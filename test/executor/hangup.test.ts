import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { encodeFrame, executorPath, RawController } from "./controller.ts";
import { compileImage, loadCode, SLAB } from "./fixture.ts";
import { SpsReader } from "./sps.ts";

const BROKEN = encodeFrame(4, 0, 0);
const SENTENCE = "frame with opcode 4, expected 0 to 3";

test("a Hangup goes through a pipe as well, and is the last frame", async () => {
  const child = spawn(executorPath, ["filedescs=0,1"], { stdio: ["pipe", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.resume();
  child.stdin.write(BROKEN);
  assert.deepEqual(await once(child, "close"), [1, null]);
  const bytes = Buffer.concat(chunks);
  const last = bytes.subarray(Number(bytes.readBigUInt64LE(0)));
  assert.equal(Number(last.readBigUInt64LE(0)), last.length);
  assert.equal(last.readBigUInt64LE(8), 1n);
  const reader = new SpsReader(last.subarray(32));
  assert.equal(reader.u8(), 1);
  assert.equal(reader.string(), SENTENCE);
});

test("a session that is given up while nobody reads ends all the same, within seconds", async () => {
  const code = `#include <stdlib.h>
    struct result { void *pointer; size_t size; };
    struct result fx_large(const char *arguments, size_t size) { size_t much = 64 << 20; return (struct result){calloc(1, much), much}; }`;
  const image = await compileImage(code, SLAB);
  const controller = await RawController.start(["filedescs=3,3"]);
  const large = await (await loadCode(controller, image))("fx_large");
  controller.socket.pause();
  void controller.call(large).catch(() => {});
  // One thread is in the middle of that frame by then; the reader sees what comes next.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const exit = once(controller.process, "exit");
  controller.socket.write(BROKEN);
  const late = setTimeout(() => controller.process.kill("SIGKILL"), 10_000);
  assert.deepEqual(await exit, [1, null]);
  clearTimeout(late);
  controller.socket.resume();
  await controller.ended;
  assert.equal(controller.stderr, `slablink-executor: ${SENTENCE}\n`);
  assert.equal(controller.hangup, undefined);
});

test("a session that ends while the controller is gone has no one to tell, and dies of no signal", async () => {
  const child = spawn(executorPath, ["filedescs=0,1"], { stdio: ["pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words += text;
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  child.stdin.write(BROKEN);
  assert.deepEqual(await once(child, "close"), [1, null]);
  assert.equal(words, `slablink-executor: ${SENTENCE}\n`);
});
