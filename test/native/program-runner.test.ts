import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ProgramEntry, programShim } from "../../src/native/program-shim.ts";

const directory = mkdtempSync(join(tmpdir(), "slablink-program-"));
after(() => rmSync(directory, { recursive: true }));
const library = join(directory, "program.so");
const source = fileURLToPath(new URL("../../../test/native/program.c", import.meta.url));
execFileSync(process.env.CC ?? "cc", ["-shared", "-fPIC", "-O1", "-o", library, source]);

const runner = fileURLToPath(new URL("./run-program.js", import.meta.url));

function run(what: string, times = 1): { status: number | null; signal: string | null; lines: string[] } {
  const options = { encoding: "utf8", timeout: 20_000 } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [runner, library, what, `${times}`], options);
  assert.equal(stderr, "");
  return { status, signal, lines: stdout.split("\n").slice(0, -1) };
}

const START = "initialize 2 program 1";
const FINI = ["finish first", "finish last"];

test("main's return value is the status; arrays run in order, fini arrays backwards", () => {
  assert.deepEqual(run("return"), { status: 3, signal: null, lines: [START, "handler", ...FINI] });
  assert.equal(run("negative").status, 255);
});

test("main has the stack of a main thread", () => assert.equal(run("stack").status, 1));

test("exit() on the program's thread ends the program, and Node lives on", () => {
  assert.deepEqual(run("exit"), { status: 7, signal: null, lines: [START, "handler", ...FINI] });
});

test("programs can be run one after the other", () => {
  const { status, lines } = run("exit", 3);
  assert.equal(status, 7);
  assert.deepEqual(lines.filter((line) => line === START).length, 3);
});

test("exit() of the C library, as libraries call it, ends the process with the status and all handlers", () => {
  assert.deepEqual(run("libc-exit"), { status: 8, signal: null, lines: [START, "handler", ...FINI] });
});

test("exit() on another thread ends the program too", () => {
  assert.deepEqual(run("thread"), { status: 9, signal: null, lines: [START, "handler", ...FINI] });
});

test("pthread_exit() in main ends the program with status 0", () => {
  assert.deepEqual(run("pthread_exit"), { status: 0, signal: null, lines: [START, "handler", ...FINI] });
});

test("exit() in a handler goes on with the next handler, and its status counts", () => {
  assert.deepEqual(run("exit-in-handler"), { status: 4, signal: null, lines: [START, "late", "handler", ...FINI] });
});

test("a forked child ends by itself, with its own status", () => {
  assert.equal(run("fork-exit").status, 15);
  const { status, lines } = run("fork-return");
  // 6, and main's 10, in the child; 10 more in the parent.
  assert.equal(status, 26);
  assert.equal(lines.filter((line) => line === "child").length, 1);
});

test("abort() is Node's end", () => assert.equal(run("abort").signal, "SIGABRT"));

test("the shim has the block's address in all entries that need it", () => {
  const code = Buffer.from(programShim(0x1234_5678_9abc));
  const address = Buffer.from("bc9a785634120000", "hex");
  const places: number[] = [];
  for (let at = code.indexOf(address); at >= 0; at = code.indexOf(address, at + 1)) places.push(at);
  // Each is the operand of a movabs in one of these functions, which come in this order.
  assert.equal(places.length, 4);
  const { start, exit, register } = ProgramEntry;
  const functions = [start, exit, register];
  const owner = places.map((place) => functions.findLast((entry) => entry < place));
  assert.deepEqual(owner, [start, exit, register, register]);
});
