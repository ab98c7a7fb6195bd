import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { FileArena } from "../../src/host/arena.ts";
import { kernel, kernelCode } from "../../src/kernel/kernel.ts";
import { freshDirectory } from "../support/workspace.ts";

// The kernel interns names of the linear memory, TypeScript all others: nobody may be able to tell them apart.

const PAGE = 4096;
const arena = new FileArena();
/** Calls of the kernel's function. */
let calls = 0;

const original = kernel()!;
kernelCode.exports = {
  ...original,
  intern: (pool, position) => {
    calls++;
    return original.intern(pool, position);
  },
};

after(() => {
  kernelCode.exports = original;
  arena.dispose();
});

/** Where a name lies: out of the kernel's reach, within a file there, or with its NUL as the last byte of a page, and of the file. */
const places = ["apart", "inside", "end of a page"] as const;
type Place = (typeof places)[number];

const name = fc.oneof(
  fc.uint8Array({ min: 1, max: 255, maxLength: 100 }),
  // Names that differ in few bytes, at the edges of the sixteen that are hashed at once.
  fc
    .tuple(fc.constantFrom(15, 16, 17, 31, 32, 33, 48, 64), fc.nat(64), fc.constantFrom(1, 0x40, 0x7f, 0x80, 0xff))
    .map(([length, at, byte]) => new Uint8Array(length).fill(0x61).fill(byte, at, at + 1)),
);

/** A page, or two, of other bytes with one name in it. */
function fileOf(bytes: Uint8Array, place: Place, offset: number): { file: Uint8Array; at: number } {
  const size = PAGE;
  const at = place === "end of a page" ? size - bytes.length - 1 : offset;
  const file = new Uint8Array(size).fill(0xee);
  file.set(bytes, at);
  file[at + bytes.length] = 0;
  return { file, at };
}

function intern(pool: SymbolStringPool, { view, start, length }: ByteReader, at: number): number {
  return pool.intern(view, start + at, start + length);
}

test("a name has the same identifier wherever it lies", () => {
  calls = 0;
  let inReach = 0;
  const given = fc.array(fc.tuple(name, fc.constantFrom(...places), fc.nat(40)), { maxLength: 40 });
  fc.assert(
    fc.property(given, (names) => {
      using files = new FileArena();
      const pool = new SymbolStringPool();
      const apart = new SymbolStringPool();
      const ids = new Map<string, number>();
      for (const [bytes, place, offset] of names) {
        const { file, at } = fileOf(bytes, place, offset);
        const key = Buffer.from(bytes).toString("latin1");
        const expected = ids.get(key) ?? ids.size;
        ids.set(key, expected);
        assert.equal(apart.intern(new DataView(file.buffer), at, file.length), expected);
        if (place === "apart") assert.equal(pool.intern(new DataView(file.buffer), at, file.length), expected);
        else {
          assert.equal(intern(pool, files.place(file, "names"), at), expected);
          inReach++;
        }
        assert.deepEqual(Buffer.from(pool.bytes(expected)), Buffer.from(bytes));
      }
      assert.equal(pool.size, ids.size);
      assert.equal(
        pool.hasVersions,
        [...ids.keys()].some((key) => key.includes("@")),
      );
      assert.equal(apart.hasVersions, pool.hasVersions);
    }),
  );
  assert.ok(inReach > 100);
  assert.equal(calls, inReach);
});

test("a name that ends a mapped file, and its last page, is read no further than to its end", () => {
  const path = join(freshDirectory(), "names");
  for (const length of [0, 1, 15, 16, 17, 100]) {
    const bytes = new Uint8Array(length).fill(0x62);
    const file = new Uint8Array(8 * PAGE).fill(0xee);
    file.set(bytes, file.length - 1 - length);
    file[file.length - 1] = 0;
    writeFileSync(path, file);
    const pool = new SymbolStringPool();
    const reader = arena.map(path);
    calls = 0;
    assert.equal(intern(pool, reader, file.length - 1 - length), 0);
    assert.equal(calls, 1);
    assert.deepEqual(Buffer.from(pool.bytes(0)), Buffer.from(bytes));
    assert.equal(pool.internString("b".repeat(length)), 0);
  }
});

test("a pool that the kernel has filled grows, and goes on with both", () => {
  const count = 40_000;
  const text = (i: number): string => `name_${i}_${"x".repeat(i % 40)}`;
  const file = Buffer.from(Array.from({ length: count }, (_, i) => `${text(i)}\0`).join(""));
  const reader = arena.place(file, "names");
  const pool = new SymbolStringPool();
  calls = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    assert.equal(i % 3 === 0 ? pool.internString(text(i)) : intern(pool, reader, at), i);
    at += text(i).length + 1;
  }
  at = 0;
  for (let i = 0; i < count; i++) {
    if (i % 7 === 0) assert.equal(intern(pool, reader, at), i);
    if (i % 11 === 0) assert.equal(pool.internString(text(i)), i);
    at += text(i).length + 1;
  }
  assert.equal(pool.size, count);
  assert.ok(calls > count / 2);
});

test("names of one length and one hash are told apart", () => {
  // Of so many names some five pairs share the 32 bits of the hash.
  const count = 200_000;
  const file = Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `${(0x1000_0000 + (Math.imul(i, 0x9e37_79b1) % 0x1000_0000)).toString(16).padStart(11, "n")}\0`,
    ).join(""),
  );
  const reader = arena.place(file, "names");
  const pool = new SymbolStringPool();
  const apart = new SymbolStringPool();
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let i = 0; i < count; i++) {
    if (intern(pool, reader, 12 * i) !== i || apart.intern(view, 12 * i, file.length) !== i) assert.fail(`name ${i}`);
  }
});
