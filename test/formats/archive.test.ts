import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { Archive } from "../../src/formats/archive.ts";
import { ArchiveBytes, indexLines, Workspace } from "./archive-fixture.ts";

const LONG = "a_member_with_a_name_longer_than_sixteen.o";

describe("archives made by ar", () => {
  let work: Workspace;
  before(() => {
    work = new Workspace();
    work.object("b.o", "int g(void) { return 1; }");
    work.object(LONG, "int f(void) { return 2; } int shared_name;");
    work.object("c.o", "int i(void) { return 4; }");
    work.object("sub/b.o", "int h(void) { return 3; }");
  });
  after(() => work.remove());

  function make(options: string, file: string, ...members: string[]): Archive {
    work.run("ar", options, file, ...members);
    const path = join(work.path, file);
    return Archive.read(ByteReader.of(readFileSync(path), path), (name) => ByteReader.of(readFileSync(name), name));
  }

  test("rcs: members are windows on the archive, the index names them", () => {
    const archive = make("rcs", "plain.a", "b.o", LONG);
    const members = [...archive.members()];
    assert.deepEqual(
      members.map(({ name }) => name),
      ["b.o", LONG],
    );
    assert.deepEqual(indexLines(archive), ["g in b.o", `f in ${LONG}`, `shared_name in ${LONG}`]);
    for (const member of members) {
      const window = member.window();
      assert.equal(window.view, archive.reader.view);
      assert.equal(window.name, `${archive.file}(${member.name})`);
      assert.deepEqual(Buffer.from(window.bytes(0, window.length, "all")), readFileSync(join(work.path, member.name)));
      assert.equal(archive.memberAt(member.headerOffset), member);
    }
  });

  test("rcS: no index", () => {
    const archive = make("rcS", "unindexed.a", "b.o", LONG);
    assert.equal(archive.index, undefined);
    assert.deepEqual(
      [...archive.members()].map(({ name }) => name),
      ["b.o", LONG],
    );
  });

  test("two members of the same name are two members", () => {
    const archive = make("qcs", "twice.a", "b.o", "sub/b.o");
    assert.deepEqual(indexLines(archive), ["g in b.o", "h in b.o"]);
    const [first, second] = archive.members();
    assert.equal(first.name, second.name);
    assert.notEqual(first.headerOffset, second.headerOffset);
    assert.notEqual(first, second);
  });

  test("an empty archive has no members", () => {
    const archive = make("rcs", "empty.a");
    assert.deepEqual([...archive.members()], []);
    assert.deepEqual(indexLines(archive), []);
  });

  test("rcT: a thin archive's members are files beside it", () => {
    const archive = make("rcsT", "thin.a", "b.o", LONG, "sub/b.o");
    assert.equal(archive.thin, true);
    assert.deepEqual(indexLines(archive), ["g in b.o", `f in ${LONG}`, `shared_name in ${LONG}`, "h in sub/b.o"]);
    const member = [...archive.members()][2];
    assert.equal(member.path, join(work.path, "sub/b.o"));
    const window = member.window();
    assert.deepEqual(Buffer.from(window.bytes(0, window.length, "all")), readFileSync(join(work.path, "sub/b.o")));
    assert.equal(window.name, `${archive.file}(sub/b.o)`);
  });

  test("a thin archive in another directory finds its members", () => {
    work.file("elsewhere/empty", "");
    const archive = make("rcsT", "elsewhere/thin.a", "b.o");
    const [member] = archive.members();
    assert.equal(member.path, join(work.path, "b.o"));
    assert.equal(member.window().u32(0, "magic"), 0x464c457f);
  });

  test("a thin archive refers to the members of an ordinary archive in it", () => {
    make("rcs", "inner.a", "b.o", LONG);
    const outer = make("rcsT", "outer.a", "inner.a", "c.o");
    const members = [...outer.members()];
    assert.deepEqual(
      members.map((m) => m.window().name),
      [`${join(work.path, "inner.a")}(b.o)`, `${join(work.path, "inner.a")}(${LONG})`, `${outer.file}(c.o)`],
    );
    const window = outer.memberAt(members[1].headerOffset).window();
    assert.deepEqual(Buffer.from(window.bytes(0, window.length, "all")), readFileSync(join(work.path, LONG)));
  });

  test("a window's name and place do not depend on where the archive begins in its mapping", () => {
    const plain = make("rcs", "plain.a", "b.o", LONG);
    const bytes = readFileSync(join(work.path, "plain.a"));
    const mapping = Buffer.concat([Buffer.alloc(100, 0xaa), bytes, Buffer.alloc(10, 0xbb)]);
    const moved = Archive.read(ByteReader.of(mapping, "all").window(100, bytes.length, "archive", "moved.a"));
    assert.deepEqual(indexLines(moved), indexLines(plain));
    assert.equal(moved.index!.nameStart[0], plain.index!.nameStart[0] + 100);
    assert.equal(moved.memberAt(moved.index!.memberOffset[0]).window().u32(0, "magic"), 0x464c457f);
  });
});

describe("archives of other makes", () => {
  function be32(...values: number[]): Buffer {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
    return bytes;
  }

  test("a 64-bit index", () => {
    const build = (at: number[]) => {
      const bytes = new ArchiveBytes();
      const table = Buffer.alloc(8 + 8 * 2);
      table.writeBigUInt64BE(2n, 0);
      for (const [i, offset] of at.entries()) table.writeBigUInt64BE(BigInt(offset), 8 + 8 * i);
      bytes.member("/SYM64/", Buffer.concat([table, Buffer.from("one\0two\0")]));
      return { offsets: [bytes.member("a.o/", "first"), bytes.member("b.o/", "second")], bytes };
    };
    const { bytes } = build(build([0, 0]).offsets);
    const archive = Archive.read(bytes.reader());
    assert.deepEqual(indexLines(archive), ["one in a.o", "two in b.o"]);
    assert.equal(
      Buffer.from(archive.memberAt(archive.index!.memberOffset[0]).window().bytes(0, 5, "")).toString(),
      "first",
    );
  });

  for (const [form, member, word] of [
    ["short name", "__.SYMDEF", 4],
    ["name with a space", "__.SYMDEF SORTED", 4],
    ["long name", "#1/20", 4],
    ["64-bit", "__.SYMDEF_64", 8],
  ] as const) {
    test(`a BSD index: ${form}`, () => {
      const build = (at: number[]) => {
        const bytes = new ArchiveBytes();
        const strings = Buffer.from("two\0one\0\0\0");
        const entries = Buffer.alloc(word * 6);
        const put = (value: number, i: number) =>
          word === 4 ? entries.writeUInt32LE(value, 4 * i) : entries.writeBigUInt64LE(BigInt(value), 8 * i);
        [4 * word, 4, at[0], 0, at[1], strings.length].forEach(put);
        const name = member === "#1/20" ? Buffer.from("__.SYMDEF SORTED\0\0\0\0") : Buffer.alloc(0);
        bytes.member(member, Buffer.concat([name, entries, strings]));
        const first = bytes.member("a.o", "first.");
        return { offsets: [first, bytes.member("#1/12", "long name.o\0second")], bytes };
      };
      const { bytes } = build(build([0, 0]).offsets);
      const archive = Archive.read(bytes.reader());
      assert.deepEqual(indexLines(archive), ["one in a.o", "two in long name.o"]);
      const [, second] = archive.members();
      assert.equal(second.size, 6);
      assert.equal(Buffer.from(second.window().bytes(0, 6, "")).toString(), "second");
    });
  }

  test("a COFF archive's second linker member is passed over", () => {
    const build = (at: number) => {
      const bytes = new ArchiveBytes();
      bytes.member("/", Buffer.concat([be32(1, at), Buffer.from("sym\0")]));
      bytes.member("/", Buffer.from("second linker member"));
      bytes.member("//", "a/long/name/of/a/member.obj\0");
      return { at: bytes.member("/0", "contents"), bytes };
    };
    const archive = Archive.read(build(build(0).at).bytes.reader());
    assert.deepEqual(indexLines(archive), ["sym in a/long/name/of/a/member.obj"]);
    assert.equal([...archive.members()].length, 1);
  });

  test("the last member needs no padding", () => {
    const bytes = new ArchiveBytes();
    bytes.member("a.o/", "odd");
    const archive = Archive.read(ByteReader.of(bytes.bytes().subarray(0, -1), "test.a"));
    assert.equal([...archive.members()][0].window().length, 3);
  });
});

describe("the system's archives", () => {
  const files = [
    "/usr/lib/x86_64-linux-gnu/libc.a",
    "/usr/lib/x86_64-linux-gnu/libm-2.36.a",
    "/usr/lib/x86_64-linux-gnu/libpython3.11-pic.a",
    "/usr/lib/gcc/x86_64-linux-gnu/12/libstdc++.a",
  ];
  for (const file of files.filter(existsSync)) {
    test(`${file}: the index agrees with nm -s, the members with ar t`, () => {
      const archive = Archive.read(ByteReader.of(readFileSync(file), file));
      const options = { encoding: "utf8", maxBuffer: 1 << 28 } as const;
      const nm = execFileSync("nm", ["-s", file], { ...options, stdio: ["ignore", "pipe", "ignore"] }).split("\n");
      const first = nm.indexOf("Archive index:") + 1;
      assert.ok(first > 0);
      assert.deepEqual(indexLines(archive), nm.slice(first, nm.indexOf("", first)));
      const names = execFileSync("ar", ["t", file], options).trim().split("\n");
      assert.deepEqual(
        [...archive.members()].map(({ name }) => name),
        names,
      );
    });
  }
});
