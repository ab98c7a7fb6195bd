import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FileArena } from "../../src/host/arena.ts";
import { linearMemory } from "../../src/host/linear-memory.ts";
import { readMaps } from "../../src/host/maps.ts";

const directory = mkdtempSync(join(tmpdir(), "slablink-arena-"));
after(() => rmSync(directory, { recursive: true }));

function file(name: string, contents: Uint8Array | string): string {
  const path = join(directory, name);
  writeFileSync(path, contents);
  return path;
}

test("files and placed bytes lie in one view and keep their names", () => {
  using arena = new FileArena(2 ** 20);
  const first = arena.map(file("first", "hello"));
  const second = arena.map(file("second", new Uint8Array(5000).fill(9)));
  const third = arena.place(new Uint8Array([1, 2, 3]), "generated.o");
  assert.equal(first.view, second.view);
  assert.equal(first.view, third.view);
  assert.equal(Buffer.from(first.bytes(0, 5, "text")).toString(), "hello");
  assert.equal(second.u8(4999, "last"), 9);
  assert.equal(third.u8(2, "third"), 3);
  assert.equal(third.name, "generated.o");
  assert.throws(() => first.u8(5, "beyond"), /first: beyond at 0x5/);
});

test("an empty file has no bytes and is no error", () => {
  using arena = new FileArena(2 ** 20);
  assert.equal(arena.map(file("empty", "")).length, 0);
  assert.equal(arena.place(new Uint8Array(0), "nothing").length, 0);
  assert.equal(arena.map(file("after", "x")).u8(0, "byte"), 0x78);
});

test("when the arena is full another one is used, also for files larger than it", () => {
  using arena = new FileArena(8192, 8192, null);
  const small = arena.map(file("small", new Uint8Array(8192).fill(1)));
  const large = arena.map(file("large", new Uint8Array(100_000).fill(2)));
  assert.notEqual(small.view, large.view);
  assert.equal(small.u8(8191, "last"), 1);
  assert.equal(large.u8(99_999, "last"), 2);
});

test("files that cannot be had say which and why", () => {
  using arena = new FileArena(2 ** 20);
  const missing = join(directory, "missing");
  assert.throws(() => arena.map(missing), { code: "file", message: `${missing}: no such file` });
  assert.throws(() => arena.map(directory), { code: "file", message: `${directory}: is a directory, expected a file` });
});

test("what is not a regular file is read", () => {
  using arena = new FileArena(2 ** 20);
  const status = arena.map("/proc/self/status");
  assert.match(Buffer.from(status.bytes(0, 5, "text")).toString(), /^Name:/);
});

test("after dispose readers fail cleanly, and nothing stays mapped", () => {
  const path = file("disposed", "contents");
  const arena = new FileArena(2 ** 20, 2 ** 20, null);
  const reader = arena.map(path);
  arena.dispose();
  arena.dispose();
  assert.throws(() => reader.u8(0, "byte"), TypeError);
  assert.throws(() => reader.bytes(0, 4, "bytes"), TypeError);
  assert.throws(() => arena.map(path), { code: "file", message: /has been disposed/ });
  assert.equal(
    readMaps().some((range) => range.path === path),
    false,
  );
});

test("files in the linear memory go with the arena, and what comes in their place begins as zeros", () => {
  const path = file("linear", new Uint8Array(100_000).fill(7));
  const arena = new FileArena();
  const reader = arena.map(path);
  const { buffer } = reader.view;
  assert.equal(buffer, linearMemory()!.buffer);
  assert.ok(readMaps().some((range) => range.path === path));
  arena.dispose();
  assert.equal(
    readMaps().some((range) => range.path === path),
    false,
  );
  assert.equal(reader.u8(99_999, "last"), 0);
  using next = new FileArena();
  assert.equal(next.place(new Uint8Array([1]), "next").start, reader.start);
  assert.equal(reader.u8(1, "behind"), 0);
});

test("without ArrayBuffer.prototype.transfer dispose is as clean", () => {
  const script = `
    const { FileArena } = await import(${JSON.stringify(new URL("../../src/host/arena.js", import.meta.url).href)});
    delete ArrayBuffer.prototype.transfer;
    const arena = new FileArena(8192, 8192, null);
    const reader = arena.place(new Uint8Array([1]), "x");
    arena.dispose();
    try { reader.u8(0, "byte"); } catch (error) { console.log(error.constructor.name); }`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(output, "TypeError\n");
});

test("a mapped file keeps its size when it grows later", () => {
  using arena = new FileArena(2 ** 20);
  const path = file("growing", "abc");
  const reader = arena.map(path);
  truncateSync(path, 8000);
  assert.throws(() => reader.u8(3, "fourth"), /outside the file of 0x3 bytes/);
});

test("koffi's native module is loaded directly", async () => {
  const host = await import("../../src/host/koffi.ts");
  host.koffi();
  assert.equal(host.koffiSource, "native");
});

test("loading the host layer does not load koffi", () => {
  const url = new URL("../../src/epc/in-process.js", import.meta.url).href;
  const script = `
    await import(${JSON.stringify(url)});
    console.log(process.report.getReport().sharedObjects.some((path) => path.includes("koffi")));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(output, "false\n", fileURLToPath(url));
});
