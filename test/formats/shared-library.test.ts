import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SharedLibrary } from "../../src/formats/elf/shared-library.ts";
import { SymbolName } from "../../src/formats/elf/shared-library-hash.ts";
import { mutate, randomNumbers, toleratesDamage, Workspace } from "./archive-fixture.ts";

const SOURCE = `
int counter = 7;
int zeros[100];
const int table[4] = {1, 2, 3, 4};
int *const pointers[2] = {&counter, (int *)table};
static int hidden_from_others = 3;
int *changeable = &hidden_from_others;
int *several[70] = {[0] = &hidden_from_others, [2] = &hidden_from_others, [63] = &hidden_from_others, [69] = &hidden_from_others};
__thread int per_thread = 5;
int first(void) { return 1; }
__attribute__((weak)) int second(void) { return per_thread; }
__attribute__((visibility("hidden"))) int invisible(void) { return 2; }
__attribute__((visibility("protected"))) int guarded(void) { return invisible(); }
int old_f(void) { return 1; }
int new_f(void) { return 2; }
__asm__(".symver old_f, f@V1");
__asm__(".symver new_f, f@@V2");
int old_g(void) { return 1; }
__asm__(".symver old_g, g@V1");
`;
const VERSIONS = "V1 { global: *; local: forbidden; }; V2 { } V1;";
const RELR = "-Wl,-z,pack-relative-relocs";

describe("a small shared library", () => {
  let work: Workspace;
  before(() => {
    work = new Workspace();
    work.file("versions", VERSIONS);
    work.object("lib.o", SOURCE, "-fPIC");
    const flags = [
      "-shared",
      "-nostdlib",
      "-Wl,--version-script=versions",
      "-Wl,-soname,libsmall.so.1",
      "-Wl,-z,relro",
    ];
    for (const style of ["gnu", "sysv", "both"]) {
      work.run("cc", ...flags, `-Wl,--hash-style=${style}`, "lib.o", "-lc", "-o", `${style}.so`);
    }
    work.run("cc", ...flags, RELR, "lib.o", "-lc", "-o", "relr.so");
  });
  after(() => work.remove());

  const read = (name: string) => SharedLibrary.read(work.reader(name));

  test("its name and what it needs", () => {
    const library = read("gnu.so");
    assert.equal(library.soname, "libsmall.so.1");
    assert.ok(library.needed.length <= 1);
    assert.equal(library.isExecutable, false);
  });

  test("by the hash of a name it may say that it has none such", () => {
    const { gnuHash } = new SymbolName(Buffer.from("first"));
    const others = Array.from({ length: 100 }, (_, i) => new SymbolName(Buffer.from(`other${i}`)).gnuHash);
    for (const library of [read("gnu.so"), read("sysv.so")]) {
      for (const { name } of library.symbols()) {
        assert.ok(library.mayDefine(new SymbolName(Buffer.from(name)).gnuHash), name);
      }
      assert.ok(library.mayDefine(gnuHash));
    }
    assert.ok(others.some((hash) => !read("gnu.so").mayDefine(hash)));
    assert.ok(others.every((hash) => read("sysv.so").mayDefine(hash)));
  });

  /** Takes the hash tables away: the tags become ones that nobody reads. */
  function withoutHash(): SharedLibrary {
    const reader = work.reader("both.so");
    const bytes = Buffer.from(reader.bytes(0, reader.length, "all"));
    const dynamic = SharedLibrary.read(reader).segments.find(({ type }) => type === 2)!;
    for (let at = dynamic.offset; at < dynamic.offset + dynamic.fileSize; at += 16) {
      const tag = bytes.readBigUInt64LE(at);
      if (tag === 4n || tag === 0x6ffffef5n) bytes.writeBigUInt64LE(0x6ffffff9n, at);
    }
    return SharedLibrary.read(ByteReader.of(bytes, "unhashed.so"));
  }

  for (const [name, open] of [
    ["DT_GNU_HASH", () => read("gnu.so")],
    ["DT_HASH", () => read("sysv.so")],
    ["both", () => read("both.so")],
    ["no hash table", withoutHash],
  ] as const) {
    test(`look-up by ${name}`, () => {
      const library = open();
      assert.deepEqual(pick(library.lookup("counter")), { type: 1, bind: 1, visibility: 0, size: 4, version: "V1" });
      assert.deepEqual([library.lookup("second")!.type, library.lookup("second")!.bind], [2, 2]);
      assert.equal(library.lookup("guarded")!.visibility, 3);
      assert.equal(library.lookup("per_thread")!.type, 6);
      for (const absent of ["invisible", "hidden_from_others", "count", "counter_", "", "printf"]) {
        assert.equal(library.lookup(absent), undefined, absent);
      }
      assert.equal(library.lookup("f")!.versionName, "V2");
      assert.equal(library.lookup("f")!.isDefaultVersion, true);
      assert.equal(library.lookup("f", "V1")!.isDefaultVersion, false);
      assert.equal(library.lookup("f", "V3"), undefined);
      assert.equal(library.lookup("g")!.isDefaultVersion, false);
      for (const symbol of library.symbols()) {
        assert.equal(library.lookup(symbol.name, symbol.versionName)?.index, symbol.index, symbol.name);
      }
    });
  }

  function pick(symbol: ReturnType<SharedLibrary["lookup"]>) {
    if (symbol === undefined) return undefined;
    const { type, bind, visibility, size, versionName: version } = symbol;
    return { type, bind, visibility, size, version };
  }

  test("contents and writability of data", () => {
    const library = read("gnu.so");
    const data = (name: string) => {
      const { value, size } = library.lookup(name)!;
      return { bytes: Buffer.from(library.bytesAt(value, size)), readOnly: library.isReadOnlyAddress(value, size) };
    };
    assert.deepEqual(data("counter"), { bytes: Buffer.from([7, 0, 0, 0]), readOnly: false });
    assert.deepEqual(data("zeros"), { bytes: Buffer.alloc(400), readOnly: false });
    assert.equal(data("table").readOnly, true);
    assert.equal(data("table").bytes.readInt32LE(12), 4);
    assert.equal(data("pointers").readOnly, true); // PT_GNU_RELRO
    assert.equal(data("changeable").readOnly, false);
    assert.throws(() => library.bytesAt(0x7000_0000, 4), {
      name: "ObjectFormatError",
      message: /gnu\.so: data at address 0x70000000 with size 0x4 is in no PT_LOAD$/,
    });
  });

  test("what the loader does to a data object", () => {
    const library = read("gnu.so");
    const { value, size } = library.lookup("pointers")!;
    const relocations = library.relocationsIn(value, value + size);
    assert.deepEqual(
      relocations.map(({ address, type, symbolIndex, addend }) => [
        address - value,
        type,
        library.symbolAt(symbolIndex).name,
        addend,
      ]),
      [
        [0, 1, "counter", 0], // R_X86_64_64
        [8, 1, "table", 0],
      ],
    );
    const changeable = library.lookup("changeable")!;
    const [relative, ...none] = library.relocationsIn(changeable.value, changeable.value + 8);
    assert.deepEqual(none, []);
    assert.equal(relative.type, 8); // R_X86_64_RELATIVE
    assert.equal(Buffer.from(library.bytesAt(relative.addend, 4)).readInt32LE(), 3);
  });

  test("packed relative relocations (DT_RELR) say the same", () => {
    for (const name of ["gnu.so", "relr.so"]) {
      const library = read(name);
      const { value, size } = library.lookup("several")!;
      const relocations = library.relocationsIn(value, value + size);
      const places = relocations.map(({ address }) => (address - value) / 8).sort((a, b) => a - b);
      assert.deepEqual(places, [0, 2, 63, 69], name);
      for (const { type, addend } of relocations) {
        assert.equal(type, 8);
        assert.equal(Buffer.from(library.bytesAt(addend, 4)).readInt32LE(), 3);
      }
    }
    const sections = work.run("readelf", "-SW", "relr.so");
    assert.match(sections, / \.relr\.dyn /);
  });

  test("a DT_HASH chain that is a circle is refused", () => {
    const reader = work.reader("sysv.so");
    const bytes = Buffer.from(reader.bytes(0, reader.length, "all"));
    const [, hash] = / \.hash +HASH +\w+ (\w+)/.exec(work.run("readelf", "-SW", "sysv.so"))!;
    const table = Number.parseInt(hash, 16);
    const buckets = bytes.readUInt32LE(table);
    const count = bytes.readUInt32LE(table + 4);
    for (let i = 0; i < count; i++) bytes.writeUInt32LE(i, table + 8 + 4 * (buckets + i));
    const library = SharedLibrary.read(ByteReader.of(bytes, "circle.so"));
    assert.throws(() => ["a", "b", "c", "d"].map((name) => library.lookup(name)), {
      message: `circle.so: a DT_HASH chain is longer than the ${count} symbols: it is a circle`,
    });
  });

  test("a position-independent executable is told apart", () => {
    work.object("main.o", "int main(void) { return 0; }", "-fPIE");
    work.run("cc", "-pie", "main.o", "-o", "main");
    assert.equal(read("main").isExecutable, true);
  });

  function readAll(reader: ByteReader): void {
    const library = SharedLibrary.read(reader);
    for (const name of ["counter", "f", "pointers", "absent"]) library.lookup(name, name === "f" ? "V1" : undefined);
    for (const { value, size } of library.symbols()) {
      if (size <= 1000) toleratesDamage(() => library.bytesAt(value, size));
    }
    library.relocationsIn(0, 0x10000);
  }

  for (const name of ["gnu.so", "sysv.so", "relr.so"]) {
    test(`truncated and mutated: ${name} is read or refused`, () => {
      const reader = work.reader(name);
      const bytes = Buffer.from(reader.bytes(0, reader.length, "all"));
      readAll(reader);
      let refused = 0;
      const lengths = Math.floor(bytes.length / 8);
      for (let i = 0; i < lengths; i++) {
        if (toleratesDamage(() => readAll(ByteReader.of(bytes.subarray(0, 8 * i), name))) === "refused") refused++;
      }
      assert.ok(refused > lengths / 2, `${refused} of ${lengths} truncations were refused`);

      const random = randomNumbers(0xe1f);
      const dynamic = SharedLibrary.read(reader).segments.find(({ type }) => type === 2)!;
      refused = 0;
      for (let i = 0; i < 2000; i++) {
        // Half of the changes in headers and tables, half in the dynamic section.
        const [start, end] = i % 2 === 0 ? [0, 0x600] : [dynamic.offset, dynamic.offset + dynamic.fileSize];
        const mutant = Buffer.from(bytes);
        mutant.set(mutate(bytes.subarray(start, end), random), start);
        if (toleratesDamage(() => readAll(ByteReader.of(mutant, name))) === "refused") refused++;
      }
      assert.ok(refused > 100 && refused < 2000, `${refused} of 2000 mutants were refused`);
    });
  }
});

describe("the system's shared libraries agree with readelf --dyn-syms", () => {
  const files = ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"];
  for (const file of files.filter(existsSync)) {
    test(file, () => {
      const library = SharedLibrary.read(ByteReader.of(readFileSync(file), file));
      const text = execFileSync("readelf", ["--dyn-syms", "-W", file], { encoding: "utf8", maxBuffer: 1 << 26 });
      const types = new Map([
        ["NOTYPE", 0],
        ["OBJECT", 1],
        ["FUNC", 2],
        ["TLS", 6],
        ["IFUNC", 10],
      ]);
      const binds = new Map([
        ["GLOBAL", 1],
        ["WEAK", 2],
        ["UNIQUE", 10],
      ]);
      const expected: string[] = [];
      for (const line of text.split("\n")) {
        const fields = /^ *(\d+): ([0-9a-f]+) +(\S+) (\w+) +(\w+) +(\w+) +(\w+) (\S+)/.exec(line);
        if (fields === null || fields[7] === "UND" || fields[5] === "LOCAL") continue;
        const [, index, value, size, type, bind, , , name] = fields;
        const [, base, at, version] = /^([^@]*)(@@?)?(.*)$/.exec(name)!;
        const named = fields[7] === "ABS" ? base : version; // The symbol of a version itself.
        const key = [
          index,
          Number.parseInt(value, 16),
          Number(size),
          types.get(type),
          binds.get(bind),
          base,
          named,
          at !== "@",
        ];
        expected.push(key.join(" "));
      }
      assert.ok(expected.length > 2000);
      const actual = [...library.symbols()].map((s) =>
        [s.index, s.value, s.size, s.type, s.bind, s.name, s.versionName ?? "", s.isDefaultVersion].join(" "),
      );
      assert.deepEqual(actual, expected);
      for (const symbol of library.symbols()) {
        assert.equal(library.lookup(symbol.name, symbol.versionName)!.index, symbol.index);
        if (symbol.isDefaultVersion) assert.equal(library.lookup(symbol.name)!.index, symbol.index);
      }
    });
  }
});
