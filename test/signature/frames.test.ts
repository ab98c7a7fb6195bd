import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { callLayout, resolveSignature, shimName, writeCallObject } from "slablink";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { blockOf, linkHere, NativeCalls, noPointers } from "./linked-cases.ts";

/** Everything that makes frames differ: arguments on the stack, results in memory, copies. */
const signatures = [
  "void f(void)",
  "int f(int, int)",
  "struct { long a, b, c; } f(int, double, struct { char bytes[300]; } s, int, int, int, int, int, short)",
].map((text) => callLayout(resolveSignature(text)));
const imports = signatures.map((layout, i) => ({ name: `import${i}`, layout, id: i }));

test("frames are described at every instruction", async () => {
  const path = join(freshDirectory(), "calls.o");
  writeFileSync(path, writeCallObject(signatures, imports));
  const code = await mustRun("objdump", ["-d", "-M", "intel", path]);
  assert.doesNotMatch(code, /\(bad\)/);
  const places = new Map<string, number[]>();
  for (const line of code.split("\n")) {
    const match = /^\s+([0-9a-f]+):\t[0-9a-f ]+\t(push +rbp|mov +rbp,rsp|leave|ret)/.exec(line);
    if (match === null) continue;
    const what = match[2].replace(/ +/, " ");
    places.set(what, [...(places.get(what) ?? []), Number.parseInt(match[1], 16)]);
  }
  const rows = await mustRun("readelf", ["-wF", path]);
  const tables = rows.split("FDE").slice(1);
  assert.equal(tables.length, signatures.length + imports.length);
  tables.forEach((table, i) => {
    const found = [...table.matchAll(/^([0-9a-f]{16}) +(\S+) +(\S+) +(\S+)/gm)].map(([, at, ...rules]) => [
      Number.parseInt(at, 16),
      ...rules,
    ]);
    const start = places.get("push rbp")![i];
    assert.deepEqual(found, [
      [start, "rsp+8", "u", "c-8"],
      [start + 1, "rsp+16", "c-16", "c-8"],
      [start + 4, "rbp+16", "c-16", "c-8"],
      [places.get("ret")![i], "rsp+8", "c-16", "c-8"],
    ]);
    assert.equal(places.get("leave")![i] + 1, places.get("ret")![i]);
  });
});

const source = `
struct big { long a, b, c; };
struct bytes { char bytes[300]; };
extern "C" {
int caught;
struct big thrower(int a, double, bytes s, int, int, int, int, int, short i) { throw a + s.bytes[299] + i; }
void guarded(void *block, void *shim) {
  try { ((void (*)(void *, void *))shim)(block, (void *)thrower); } catch (int thrown) { caught = thrown; }
}
void __slablink_import(unsigned long id, void *, unsigned long) { throw (int)id + 40; }
struct big import2(int, double, bytes, int, int, int, int, int, short);
void through(void) {
  try { import2(1, 2, bytes(), 3, 4, 5, 6, 7, 8); } catch (int thrown) { caught = thrown; }
}
int answer(void) { return caught; }
}
`;

test("C++ exceptions pass through shims and thunks", async () => {
  const answer = callLayout(resolveSignature("int answer(void)"));
  const { session, addresses } = await linkHere(
    [
      await compile(["g++", "-O1", "-fPIE"], "throws.cc", source),
      writeCallObject([...signatures, answer], [imports[2]]),
    ],
    ["guarded", "through", "answer", ...signatures.map(shimName), shimName(answer)],
  );
  try {
    const native = new NativeCalls();
    const caught = (): unknown => {
      const block = blockOf(answer.blockSize);
      native.shim(addresses.get(shimName(answer))!, block.address, addresses.get("answer")!);
      return answer.decodeResult(block.view, 0, noPointers);
    };
    const layout = signatures[2];
    const block = blockOf(layout.blockSize);
    const bytes = new Int8Array(300).fill(20, 299);
    layout.encodeArguments([1000, 0.5, { bytes }, 0, 0, 0, 0, 0, -3], block.view, 0, noPointers);
    native.shim(addresses.get("guarded")!, block.address, addresses.get(shimName(layout))!);
    assert.equal(caught(), 1017);
    native.plain(addresses.get("through")!);
    assert.equal(caught(), 42);
  } finally {
    await session.endSession();
  }
});
