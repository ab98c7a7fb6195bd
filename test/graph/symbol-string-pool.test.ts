import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";

/** Bytes of a name: any but NUL. */
const nameBytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map((bytes) => Uint8Array.from(bytes));

/** Puts a name into a buffer at an offset, with its NUL, other bytes before it and `behind` bytes after it; interns it. */
function intern(pool: SymbolStringPool, name: Uint8Array, offset = 0, behind = 0, filler = 0xff): number {
  const bytes = new Uint8Array(offset + name.length + 1 + behind).fill(filler);
  bytes.set(name, offset);
  bytes[offset + name.length] = 0;
  return pool.intern(new DataView(bytes.buffer), offset, bytes.length - behind);
}

test("names have the same identifier exactly when their bytes are the same, wherever they lie", () => {
  const places = fc.record({
    offset: fc.integer({ min: 0, max: 9 }),
    behind: fc.integer({ min: 0, max: 9 }),
    filler: fc.constantFrom(0, 1, 0x80, 0xff),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(nameBytes(24), places), { maxLength: 60 }), (names) => {
      const pool = new SymbolStringPool();
      const ids = new Map<string, number>();
      for (const [name, { offset, behind, filler }] of names) {
        const id = intern(pool, name, offset, behind, filler);
        const key = Buffer.from(name).toString("latin1");
        assert.equal(id, ids.get(key) ?? ids.size);
        ids.set(key, id);
        assert.deepEqual(Buffer.from(pool.bytes(id)), Buffer.from(name));
        assert.equal(pool.byteLength(id), name.length);
      }
      assert.equal(pool.size, ids.size);
    }),
  );
});

test("what follows the NUL before the limit makes no difference", () => {
  fc.assert(
    fc.property(nameBytes(40), nameBytes(12), (name, next) => {
      const pool = new SymbolStringPool();
      const both = Uint8Array.from([...name, 0, ...next, 0]);
      const view = new DataView(both.buffer);
      const id = pool.intern(view, 0, both.length);
      const second = pool.intern(view, name.length + 1, both.length);
      assert.equal(intern(pool, name), id);
      assert.equal(intern(pool, next), second);
    }),
  );
});

test("names around the length that is read without a look, and far beyond it", () => {
  const pool = new SymbolStringPool();
  const lengths = [
    0, 1, 3, 4, 5, 4091, 4092, 4093, 4094, 4095, 4096, 4097, 4098, 4099, 4100, 8191, 8192, 70_000, 300_000,
  ];
  const nameOf = (length: number, last = 0x7a): Uint8Array => {
    const name = new Uint8Array(length).map((_, i) => 1 + ((i * 7) % 255));
    if (length > 0) name[length - 1] = last;
    return name;
  };
  for (const length of lengths) {
    const id = intern(pool, nameOf(length));
    for (const behind of [0, 1, 3, 4, 5, 5000]) {
      assert.equal(intern(pool, nameOf(length), behind % 4, behind), id, `${length} bytes, ${behind} behind`);
    }
    assert.deepEqual(Buffer.from(pool.bytes(id)), Buffer.from(nameOf(length)));
    if (length > 0) assert.notEqual(intern(pool, nameOf(length, 0x41)), id);
  }
});

test("tables and store grow without losing a name", () => {
  const pool = new SymbolStringPool();
  const count = 60_000;
  for (let i = 0; i < count; i++) assert.equal(pool.internString(`name_${i}_${"x".repeat(i % 40)}`), i);
  for (let i = 0; i < count; i += 7) {
    assert.equal(pool.internString(`name_${i}_${"x".repeat(i % 40)}`), i);
    assert.equal(pool.name(i), `name_${i}_${"x".repeat(i % 40)}`);
  }
  assert.equal(pool.size, count);
});

test("strings and bytes are the same names", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 30 }).filter((text) => !text.includes("\0")),
      (text) => {
        const pool = new SymbolStringPool();
        const id = pool.internString(text);
        assert.equal(intern(pool, Buffer.from(text)), id);
        assert.equal(pool.name(id), Buffer.from(text).toString());
      },
    ),
  );
});

test("prefixes are told by their bytes", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]{0,12}$/), fc.stringMatching(/^[ -~]{0,6}$/), (text, prefix) => {
      const pool = new SymbolStringPool();
      assert.equal(pool.startsWith(pool.internString(text), prefix), text.startsWith(prefix));
      assert.equal(pool.startsWith(pool.internString(prefix + text), prefix), true);
    }),
  );
});

test("a name that is only asked for does not become one", () => {
  const pool = new SymbolStringPool();
  const count = 1000;
  for (const isDetached of [false, true]) {
    for (let i = 0; i < count; i++) {
      if (!isDetached) pool.internString(`name_${i}`);
      assert.equal(pool.findString(`name_${i}`), i);
      assert.equal(pool.findString(`other_${i}`), -1);
    }
    assert.equal(pool.size, count);
    pool.detach();
  }
  assert.equal(new SymbolStringPool().findString(""), -1);
});
